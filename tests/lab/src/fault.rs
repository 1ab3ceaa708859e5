// SPDX-License-Identifier: MIT OR Apache-2.0
//! The faults, one enum per place where something can go wrong. The first variant of each is
//! the one without a fault, and every variant's word is what scenes and `set` write.

use std::str::FromStr;

use crate::error::Error;

/// An enum whose variants have words, and a parser that names the legal ones.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal {
        $(#[$first_doc:meta])* $first:ident = $first_word:literal,
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[$first_doc])*
            #[default]
            $first,
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// The legal words.
            pub const WORDS: &'static [&'static str] = &[$first_word, $($word,)*];
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(word: &str) -> Result<Self, Error> {
                match word {
                    $first_word => Ok(Self::$first),
                    $($word => Ok(Self::$variant),)*
                    _ => Err(Error::unknown($what, word, Self::WORDS)),
                }
            }
        }
    };
}

words! {
    /// `record`: the TXT record at `_mta-sts.<domain>`.
    RecordFault, "value of record" {
        /// One record, if the domain has an `id` or a `txt`.
        Ok = "ok",
        /// NXDOMAIN.
        Gone = "gone",
        /// The name exists without a TXT record.
        Nodata = "nodata",
        /// Two valid records.
        Two = "two",
        /// A record that breaks the grammar of RFC 8461 §3.1.
        Invalid = "invalid",
        /// A record with octets that are not ASCII.
        Octets = "octets",
        /// The record is reached through a CNAME.
        Cname = "cname",
        /// A message that cannot be decoded.
        Malformed = "malformed",
        /// FORMERR.
        Formerr = "formerr",
        /// SERVFAIL.
        Servfail = "servfail",
        /// REFUSED.
        Refused = "refused",
        /// No answer at all.
        Timeout = "timeout",
    }
}

words! {
    /// `dns`, `policydns`, `hostdns`: everything at a name.
    NameFault, "value of dns, policydns or hostdns" {
        /// The records as they are.
        Ok = "ok",
        /// NXDOMAIN.
        Gone = "gone",
        /// The name exists without records.
        Nodata = "nodata",
        /// The address is one of a private network.
        Private = "private",
        /// A message that cannot be decoded.
        Malformed = "malformed",
        /// SERVFAIL.
        Servfail = "servfail",
        /// REFUSED.
        Refused = "refused",
        /// No answer at all.
        Timeout = "timeout",
    }
}

words! {
    /// `mxdns`: the MX records of a domain.
    MxFault, "value of mxdns" {
        /// The `mx` list.
        Ok = "ok",
        /// No MX record: the domain has an address and is its own mail host.
        Gone = "gone",
        /// A null MX (RFC 7505).
        Null = "null",
        /// A message that cannot be decoded.
        Malformed = "malformed",
        /// SERVFAIL.
        Servfail = "servfail",
        /// REFUSED.
        Refused = "refused",
        /// No answer at all.
        Timeout = "timeout",
    }
}

words! {
    /// `https`: the policy host.
    HttpsFault, "value of https" {
        /// The policy.
        Ok = "ok",
        /// 301 to another host, which serves a policy of mode none.
        Redirect = "redirect",
        /// 404.
        Notfound = "notfound",
        /// 500.
        Error500 = "error500",
        /// A page in HTML.
        Html = "html",
        /// No Content-Type.
        Notype = "notype",
        /// More than 64 KiB.
        Oversize = "oversize",
        /// One octet now and then, without end.
        Drip = "drip",
        /// Interim replies without end.
        Interim = "interim",
        /// The policy in chunks; not a fault.
        Chunked = "chunked",
        /// Content-Encoding: gzip.
        Gzip = "gzip",
        /// Fewer octets than Content-Length says.
        Truncated = "truncated",
        /// Octets that are not HTTP.
        Garbage = "garbage",
        /// The TLS handshake ends and nothing follows.
        StallHttp = "stall-http",
        /// The connection is accepted and nothing follows.
        StallTls = "stall-tls",
        /// The connection is reset in the TLS handshake.
        Reset = "reset",
        /// A fatal TLS alert: protocol version.
        TlsRefused = "tls-refused",
        /// The address has no listener.
        Refused = "refused",
        /// A certificate for another name.
        WrongName = "wrong-name",
        /// A certificate whose time is over.
        Expired = "expired",
        /// A certificate whose time has not come.
        NotYetValid = "not-yet-valid",
        /// A certificate of the untrusted CA.
        Untrusted = "untrusted",
        /// A certificate that signs itself.
        SelfSigned = "self-signed",
        /// The name only in the subject, no subjectAltName.
        CnOnly = "cn-only",
        /// A wildcard certificate; not a fault.
        Wildcard = "wildcard",
        /// An IP address only in the subjectAltName.
        IpSan = "ip-san",
    }
}

words! {
    /// `smtp`: a mail host.
    SmtpFault, "value of smtp" {
        /// Takes mail, with or without TLS.
        Ok = "ok",
        /// STARTTLS is neither offered nor known.
        NoStarttls = "no-starttls",
        /// STARTTLS is offered and refused with 454.
        StarttlsRefused = "starttls-refused",
        /// After STARTTLS come octets that are not TLS.
        GarbageAfterStarttls = "garbage-after-starttls",
        /// A certificate for another name.
        WrongName = "wrong-name",
        /// A certificate whose time is over.
        Expired = "expired",
        /// A certificate whose time has not come.
        NotYetValid = "not-yet-valid",
        /// A certificate of the untrusted CA.
        Untrusted = "untrusted",
        /// A certificate that signs itself.
        SelfSigned = "self-signed",
        /// The name only in the subject, no subjectAltName.
        CnOnly = "cn-only",
        /// A wildcard certificate; not a fault.
        Wildcard = "wildcard",
        /// An IP address only in the subjectAltName.
        IpSan = "ip-san",
        /// 550 at RCPT.
        RejectRcpt = "reject-rcpt",
        /// 450 at RCPT.
        TempfailRcpt = "tempfail-rcpt",
        /// 451 at MAIL.
        TempfailMail = "tempfail-mail",
        /// 554 at DATA.
        RejectData = "reject-data",
        /// The greeting is 554.
        Greeting554 = "greeting-554",
        /// The greeting is 421.
        Greeting421 = "greeting-421",
        /// The connection is reset at once.
        Closed = "closed",
        /// The connection is accepted and nothing follows.
        Stall = "stall",
        /// The message is taken and the connection dropped before the reply.
        DropAfterData = "drop-after-data",
    }
}

words! {
    /// `tlsa`: the TLSA records of a mail host.
    Tlsa, "value of tlsa" {
        /// None.
        None = "none",
        /// `3 1 0`, the key of the host's certificates.
        Match = "match",
        /// `3 1 0`, another key.
        Mismatch = "mismatch",
    }
}

words! {
    /// `policy`: the mode of the generated policy.
    Mode, "value of policy" {
        /// Enforce.
        Enforce = "enforce",
        /// Testing.
        Testing = "testing",
        /// None.
        None = "none",
    }
}

impl Mode {
    /// The mode as a policy writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Testing => "testing",
            Self::None => "none",
        }
    }
}

/// How a certificate differs from a good one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Certificate {
    /// It does not.
    #[default]
    Good,
    /// It names another host.
    WrongName,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// The untrusted CA issued it.
    Untrusted,
    /// It signs itself.
    SelfSigned,
    /// It has no subjectAltName.
    CnOnly,
    /// It has a wildcard for its leftmost label.
    Wildcard,
    /// Its subjectAltName is an IP address.
    IpSan,
}

impl HttpsFault {
    /// The certificate that the policy host shows.
    #[must_use]
    pub fn certificate(self) -> Certificate {
        match self {
            Self::WrongName => Certificate::WrongName,
            Self::Expired => Certificate::Expired,
            Self::NotYetValid => Certificate::NotYetValid,
            Self::Untrusted => Certificate::Untrusted,
            Self::SelfSigned => Certificate::SelfSigned,
            Self::CnOnly => Certificate::CnOnly,
            Self::Wildcard => Certificate::Wildcard,
            Self::IpSan => Certificate::IpSan,
            _ => Certificate::Good,
        }
    }
}

impl SmtpFault {
    /// The certificate that the mail host shows.
    #[must_use]
    pub fn certificate(self) -> Certificate {
        match self {
            Self::WrongName => Certificate::WrongName,
            Self::Expired => Certificate::Expired,
            Self::NotYetValid => Certificate::NotYetValid,
            Self::Untrusted => Certificate::Untrusted,
            Self::SelfSigned => Certificate::SelfSigned,
            Self::CnOnly => Certificate::CnOnly,
            Self::Wildcard => Certificate::Wildcard,
            Self::IpSan => Certificate::IpSan,
            _ => Certificate::Good,
        }
    }
}
