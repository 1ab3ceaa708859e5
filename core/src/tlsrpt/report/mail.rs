// SPDX-License-Identifier: MIT OR Apache-2.0

//! How a report travels: its file name, media type and mail (RFC 8460 §5, R-RPT-3).

use super::date::clock;
use super::{Report, ReportError};
use crate::name::PolicyDomain;
use crate::time::{Date, UnixTime};
use alloc::{format, string::String};

/// In which form a report travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// As it is.
    Json,
    /// Compressed (RFC 1952), which is preferred (§5.2).
    Gzip,
}

impl Format {
    /// The media type (§6.4, §6.5), of a mail's part and of an HTTPS POST alike.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/tlsrpt+json",
            Self::Gzip => "application/tlsrpt+gzip",
        }
    }

    /// What a file's name ends with, behind the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Gzip => "json.gz",
        }
    }
}

/// From whom to whom a report goes by mail.
#[derive(Clone, Copy, Debug)]
pub struct Mail<'a> {
    /// The domain that the report is about.
    pub domain: &'a PolicyDomain,
    /// The sender's domain: that of the DKIM signature (§5.3), which the mail server adds.
    pub submitter: &'a PolicyDomain,
    /// The sender's address.
    pub from: &'a str,
    /// The address to send it to: that of a `mailto:` of [`super::super::Record::rua`].
    pub to: &'a str,
    /// The time of sending.
    pub date: UnixTime,
}

impl Report {
    /// The name of the report's file (§5.1):
    /// `sender.example!example.com!1767225600!1767311999!1.json.gz`. `unique` tells apart those
    /// that otherwise have the same name; letters and digits.
    ///
    /// # Errors
    /// `unique` has something else, or is empty.
    pub fn file_name(
        &self,
        submitter: &PolicyDomain,
        domain: &PolicyDomain,
        unique: Option<&str>,
        format: Format,
    ) -> Result<String, ReportError> {
        let (start, end) = (self.date_range.start.0, self.date_range.end.0);
        let unique = match unique {
            None => String::new(),
            Some(id) if !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                format!("!{id}")
            }
            Some(_) => return Err(ReportError::new("a unique id is letters and digits")),
        };
        let extension = format.extension();
        Ok(format!(
            "{submitter}!{domain}!{start}!{end}{unique}.{extension}"
        ))
    }

    /// The subject of the report's mail (§5.3).
    ///
    /// # Errors
    /// `report-id` is not of visible ASCII characters without angle brackets, or too long.
    pub fn subject(
        &self,
        domain: &PolicyDomain,
        submitter: &PolicyDomain,
    ) -> Result<String, ReportError> {
        Ok(self.subject_parts(domain, submitter)?.join(" "))
    }

    fn subject_parts(
        &self,
        domain: &PolicyDomain,
        submitter: &PolicyDomain,
    ) -> Result<[String; 3], ReportError> {
        let id = &self.report_id;
        let is_plain = id
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"<>".contains(&b));
        if id.is_empty() || id.len() > 900 || !is_plain {
            let wrong = "report-id is not of visible ASCII characters without < and >";
            return Err(ReportError::new(wrong));
        }
        Ok([
            format!("Report Domain: {domain}"),
            format!("Submitter: {submitter}"),
            format!("Report-ID: <{id}>"),
        ])
    }

    /// The whole mail (§5.3) but for its DKIM signature: `multipart/report` with a line for people
    /// and `body`, which is [`Report::to_json`] or that in gzip, as `format` says. Lines end in CRLF.
    ///
    /// # Errors
    /// As [`Report::subject`]; an address is none.
    pub fn mail(
        &self,
        mail: &Mail<'_>,
        format: Format,
        body: &[u8],
    ) -> Result<String, ReportError> {
        let Mail {
            domain,
            submitter,
            from,
            to,
            date,
        } = *mail;
        if !is_address(from) || !is_address(to) {
            return Err(ReportError::new(
                "the mail's sender or recipient is no address",
            ));
        }
        let subject = self.subject_parts(domain, submitter)?.join("\r\n ");
        let name = self.file_name(submitter, domain, None, format)?;
        let (date, media_type, base64) = (date_header(date), format.media_type(), base64(body));
        Ok(format!(
            "From: {from}\r\n\
             To: {to}\r\n\
             Date: {date}\r\n\
             Subject: {subject}\r\n\
             TLS-Report-Domain: {domain}\r\n\
             TLS-Report-Submitter: {submitter}\r\n\
             Auto-Submitted: auto-generated\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=tlsrpt;\r\n boundary=\"{BOUNDARY}\"\r\n\
             \r\n\
             --{BOUNDARY}\r\n\
             Content-Type: text/plain; charset=us-ascii\r\n\
             \r\n\
             This is a report on TLS in mail to {domain} (RFC 8460), from {submitter}.\r\n\
             \r\n\
             --{BOUNDARY}\r\n\
             Content-Type: {media_type}\r\n\
             Content-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment;\r\n filename=\"{name}\"\r\n\
             \r\n\
             {base64}\
             --{BOUNDARY}--\r\n"
        ))
    }
}

/// Not in the lines of base64, which have no underscore, nor in the one for people.
const BOUNDARY: &str = "=_tlsrpt";

/// Whether a header may have this as its address: visible ASCII characters and one `@` amid them.
fn is_address(address: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_graphic() && !b"<>,;:()[]\"\\".contains(&b);
    let parts = address.split_once('@');
    parts.is_some_and(|(local, domain)| !local.is_empty() && domain.parse::<PolicyDomain>().is_ok())
        && address.bytes().all(is_plain)
}

/// RFC 5322 §3.3, in UTC.
fn date_header(time: UnixTime) -> String {
    const WEEKDAYS: &[u8] = b"SunMonTueWedThuFriSat";
    const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let date = Date::of(time);
    let days = time.min(Date::LAST).0 / 86_400;
    let weekday = name(WEEKDAYS, (days + 4) % 7); // 1970-01-01 was a Thursday
    let month = name(MONTHS, date.month - 1);
    format!(
        "{weekday}, {:02} {month} {:04} {} +0000",
        date.day,
        date.year,
        clock(time)
    )
}

/// The `n`th of names of three letters.
fn name(names: &'static [u8], n: u64) -> &'static str {
    let nth = usize::try_from(n).ok().and_then(|n| names.chunks(3).nth(n));
    nth.and_then(|name| core::str::from_utf8(name).ok())
        .unwrap_or_default()
}

/// Lines of base64 (RFC 2045 §6.8).
fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(octets.len() / 3 * 4 + octets.len() / 57 * 2 + 6);
    for line in octets.chunks(57) {
        for three in line.chunks(3) {
            let octet = |n: usize| u32::from(three.get(n).copied().unwrap_or_default());
            let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
            for n in 0..4 {
                let digit = DIGITS[(bits >> (18 - 6 * n) & 63) as usize];
                text.push(if n > three.len() {
                    '='
                } else {
                    char::from(digit)
                });
            }
        }
        text.push_str("\r\n");
    }
    text
}
