// SPDX-License-Identifier: MIT OR Apache-2.0

//! From octets to reports (R-RPT-3). What a file is its content tells: JSON, gzip, a mail or an mbox.
//! Nothing is ever read further than a report may be large.

use super::mbox::Messages;
use super::message::{self, Refusal};
use flate2::read::MultiGzDecoder;
use mtasts::tlsrpt::report::{MAX_REPORT, Report};
use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::SyncSender;

/// The most octets of a mail that are kept: more than the largest report has in base64.
const MAX_MAIL: usize = 2 * MAX_REPORT;

/// The most reports in one mail, and the octets that all of them have unpacked: the time and the
/// memory that whoever writes the mail has of us.
const MAX_PARTS: usize = 100;
const MAX_UNPACKED: usize = MAX_REPORT;

/// What a file held.
pub enum Found {
    Report(Box<Report>),
    /// A mail in a mailbox that brings none.
    OtherMail,
    /// What cannot be read, and why.
    Bad {
        name: String,
        why: String,
    },
}

/// What the first octets tell.
enum Kind {
    Gzip,
    Json,
    Mbox,
    Mail,
}

fn kind(begin: &[u8]) -> Kind {
    let text = begin
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(begin)
        .trim_ascii_start();
    match text {
        _ if is_gzip(begin) => Kind::Gzip,
        [b'{' | b'[', ..] | [] => Kind::Json,
        _ if begin.starts_with(b"From ") => Kind::Mbox,
        _ => Kind::Mail,
    }
}

fn is_gzip(octets: &[u8]) -> bool {
    octets.starts_with(b"\x1f\x8b")
}

/// Reads one file.
pub struct Reader<'a> {
    name: String,
    in_mailbox: bool,
    found: &'a SyncSender<Found>,
}

impl<'a> Reader<'a> {
    /// `name` is the file's, for a person. In a mailbox mails without a report are nothing unusual.
    pub fn new(name: String, in_mailbox: bool, found: &'a SyncSender<Found>) -> Self {
        Self {
            name,
            in_mailbox,
            found,
        }
    }

    /// Hands out what is in the file.
    pub fn read(&self, from: impl BufRead) {
        if let Err(error) = self.any(from) {
            self.fail(&error);
        }
    }

    /// The file cannot be read.
    pub fn fail(&self, error: &io::Error) {
        self.bad(&self.name, &error.to_string());
    }

    fn any(&self, mut from: impl BufRead) -> io::Result<()> {
        match kind(from.fill_buf()?) {
            Kind::Gzip => self.plain(BufReader::new(MultiGzDecoder::new(from))),
            _ => self.plain(from),
        }
    }

    /// What is not compressed any more.
    fn plain(&self, mut from: impl BufRead) -> io::Result<()> {
        match kind(from.fill_buf()?) {
            Kind::Gzip => self.bad(&self.name, "gzip within gzip"),
            Kind::Json => match up_to(from, MAX_REPORT)? {
                Some(json) => self.report(&self.name, &json),
                None => self.bad(&self.name, "the report is larger than 32 MiB"),
            },
            Kind::Mbox => self.mbox(from)?,
            Kind::Mail => match up_to(from, MAX_MAIL)? {
                Some(mail) => self.mail(&self.name, &mail, self.in_mailbox),
                None => self.bad(&self.name, "the mail is larger than 64 MiB"),
            },
        }
        Ok(())
    }

    fn mbox(&self, from: impl BufRead) -> io::Result<()> {
        let mut messages = Messages::new(from, MAX_MAIL);
        let mut number = 0;
        while let Some(message) = messages.next()? {
            number += 1;
            let name = format!("{}, message {number}", self.name);
            match message {
                Ok(mail) => self.mail(&name, &mail, true),
                Err(_) => self.bad(&name, "the mail is larger than 64 MiB"),
            }
        }
        Ok(())
    }

    fn mail(&self, name: &str, mail: &[u8], in_mailbox: bool) {
        match message::reports(mail) {
            Ok(parts) if !parts.is_empty() => self.parts(name, &parts),
            Err(Refusal::Nested) => {
                self.bad(name, "this mail has mails within mails, too many of them");
            }
            _ if in_mailbox => self.send(Found::OtherMail),
            Ok(_) => self.bad(
                name,
                "this mail has no part of a report's media type (RFC 8460 §5.3)",
            ),
            Err(Refusal::NoMail) => self.bad(
                name,
                "neither a report (JSON or gzip), nor a mail, nor a mailbox",
            ),
        }
    }

    /// The reports in a mail.
    fn parts(&self, name: &str, parts: &[Vec<u8>]) {
        let mut left = MAX_UNPACKED;
        for part in parts.iter().take(MAX_PARTS) {
            match self.part(name, part, left) {
                Some(octets) => left -= octets,
                None => return,
            }
        }
        if parts.len() > MAX_PARTS {
            self.bad(
                name,
                "this mail has more than 100 reports; the others are left out",
            );
        }
    }

    /// A report in a mail, of at most `limit` octets: how many it has. `None`: it has more.
    fn part(&self, name: &str, octets: &[u8], limit: usize) -> Option<usize> {
        let unpacked = match is_gzip(octets) {
            true => up_to(MultiGzDecoder::new(octets), limit),
            false => up_to(octets, limit),
        };
        match unpacked {
            Ok(Some(json)) => {
                self.report(name, &json);
                Some(json.len())
            }
            Ok(None) => {
                self.bad(name, "the reports of a mail are larger than 32 MiB");
                None
            }
            Err(error) => {
                self.bad(name, &error.to_string());
                Some(0)
            }
        }
    }

    fn report(&self, name: &str, json: &[u8]) {
        match Report::parse(json) {
            Ok(report) => self.send(Found::Report(Box::new(report))),
            Err(error) => self.bad(name, &error.to_string()),
        }
    }

    fn bad(&self, name: &str, why: &str) {
        let (name, why) = (name.to_owned(), why.to_owned());
        self.send(Found::Bad { name, why });
    }

    /// Whoever takes ends last.
    fn send(&self, found: Found) {
        let _ = self.found.send(found);
    }
}

/// All octets; `None` where there are more than `limit`.
fn up_to(from: impl Read, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut octets = Vec::new();
    from.take(limit as u64 + 1).read_to_end(&mut octets)?;
    Ok((octets.len() <= limit).then_some(octets))
}
