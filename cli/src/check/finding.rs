// SPDX-License-Identifier: MIT OR Apache-2.0

//! Findings: what is wrong with a domain, why a sender cares, and what to publish instead.

use serde::Serialize;

/// How much a finding matters. In the order in which the worst counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// A remark.
    Notice,
    /// Something is not as it should be; mail still arrives, protected or not.
    Warning,
    /// It could not be found out from here or for now.
    Unknown,
    /// Mail does not arrive, or is not protected though the domain says so.
    Error,
}

impl Severity {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Error => "error",
        }
    }
}

/// Something about a domain.
#[derive(Debug, Serialize)]
pub struct Finding {
    pub severity: Severity,
    pub id: &'static str,
    /// The host, the name or the address that is meant.
    pub subject: String,
    /// Where in the policy or the record.
    pub line: Option<usize>,
    pub column: Option<usize>,
    pub message: String,
    /// Why a sender cares.
    pub why: &'static str,
    pub requirement: &'static str,
    pub rfc: &'static str,
    /// What to publish instead, or to do.
    pub instead: Option<String>,
}

impl Finding {
    pub fn new(kind: Kind, severity: Severity, subject: &str, message: impl Into<String>) -> Self {
        let (id, requirement, rfc, why) = kind.entry();
        Self {
            severity,
            id,
            subject: subject.to_owned(),
            line: None,
            column: None,
            message: message.into(),
            why,
            requirement,
            rfc,
            instead: None,
        }
    }

    pub fn at(mut self, line: usize, column: usize) -> Self {
        (self.line, self.column) = (Some(line), Some(column));
        self
    }

    pub fn instead(mut self, line: impl Into<String>) -> Self {
        self.instead = Some(line.into());
        self
    }
}

macro_rules! kinds {
    ($( $name:ident = $id:literal, $requirement:literal, $rfc:literal, $why:literal; )*) => {
        /// The kinds of findings.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind { $( $name, )* }

        impl Kind {
            /// Id, requirement, RFC, and why a sender cares.
            const fn entry(self) -> (&'static str, &'static str, &'static str, &'static str) {
                match self { $( Self::$name => ($id, $requirement, $rfc, $why), )* }
            }
        }
    };
}

kinds! {
    NoRecord = "no-record", "R-TXT-1", "RFC 8461 §3.1",
        "without a record senders look for no policy, and whoever is on the path can have the mail in the clear";
    SeveralRecords = "several-records", "R-TXT-2", "RFC 8461 §3.1",
        "of several records senders take none";
    RecordBroken = "record-broken", "R-TXT-4", "RFC 8461 §3.1",
        "senders take a record that breaks the grammar for none";
    RecordMalformed = "record-malformed", "R-FLOW-10", "RFC 8461 §3.1",
        "senders see no record in a DNS answer that they cannot read";
    RecordUnknown = "record-unknown", "R-FLOW-10", "RFC 8461 §3.1",
        "while the record cannot be looked up, senders that remember no policy deliver as if there were none";
    IdNotOfPolicy = "id-not-of-policy", "R-FLOW-4", "RFC 8461 §3.1",
        "senders that remember a policy look for a new one only when the id changes";
    PolicyHostMissing = "policy-host-missing", "R-GET-1", "RFC 8461 §3.3",
        "senders fetch the policy from this host and have none without it";
    PolicyHostUnknown = "policy-host-unknown", "R-FLOW-10", "RFC 8461 §3.3",
        "senders fetch the policy from this host and have none while it cannot be looked up";
    PolicyHostNotGlobal = "policy-host-not-global", "R-GET-6", "RFC 8461 §3.3",
        "senders do not connect to addresses inside of networks";
    PolicyHostUnreachable = "policy-host-unreachable", "R-GET-4", "RFC 8461 §3.3",
        "senders that cannot fetch the policy and remember none deliver as if there were none";
    PolicyHostCertificate = "policy-host-certificate", "R-GET-1", "RFC 8461 §3.3",
        "the certificate is all that shows that the policy is the domain's; senders take none without it";
    PolicyHostCertificateEnds = "policy-host-certificate-ends", "R-GET-1", "RFC 8461 §3.3",
        "once it is over, senders take no policy from this host";
    PolicyHostAddress = "policy-host-address", "R-GET-1", "RFC 8461 §3.3",
        "senders that come to this address first lose time, or the policy";
    PolicyStatus = "policy-status", "R-GET-2", "RFC 8461 §3.3",
        "senders take a policy from a reply of status 200 alone, and follow no redirect";
    PolicyMediaType = "policy-media-type", "R-GET-3", "RFC 8461 §3.2",
        "senders take no policy that is not served as text/plain";
    PolicyTooLarge = "policy-too-large", "R-POL-7", "RFC 8461 §3.3",
        "senders read no policy beyond 64 KiB";
    PolicyBroken = "policy-broken", "R-POL-3", "RFC 8461 §3.2",
        "senders take a policy that breaks the grammar for none";
    PolicyTolerated = "policy-tolerated", "R-POL-5", "RFC 8461 §3.2",
        "the RFC does not allow it, and not every sender is lenient";
    PolicyAdvice = "policy-advice", "R-PUB-1", "RFC 8461 §3.2",
        "max_age and patterns say how long and how well senders that remember the policy are protected";
    ModeTesting = "mode-testing", "R-APPLY-1", "RFC 8461 §5",
        "senders deliver whatever is wrong, and report it";
    ModeNone = "mode-none", "R-APPLY-1", "RFC 8461 §5",
        "senders deliver as if there were no policy";
    PatternUnused = "pattern-unused", "R-MX-1", "RFC 8461 §4.1",
        "a pattern for a host that is gone lets whoever gets its name take the mail";
    MxUnknown = "mx-unknown", "R-MX-1", "RFC 5321 §5.1",
        "senders keep the mail while they cannot look up who takes it";
    MxMissing = "mx-missing", "R-MX-1", "RFC 5321 §5.1",
        "no host takes mail for the domain";
    MxNull = "mx-null", "R-MX-1", "RFC 7505 §3",
        "senders return mail for a domain that takes none, whatever its policy";
    MxLeftOut = "mx-left-out", "R-MX-1", "RFC 5321 §5.1",
        "senders try only the first few hosts";
    MxNotListed = "mx-not-listed", "R-MX-1", "RFC 8461 §4.1",
        "senders that enforce the policy do not deliver to a host that it does not list";
    MxNoAddress = "mx-no-address", "R-MX-1", "RFC 5321 §5.1",
        "senders cannot connect to a host without an address";
    MxNotGlobal = "mx-not-global", "R-MX-1", "RFC 5321 §5.1",
        "senders elsewhere cannot connect to addresses inside of networks";
    MxNotReached = "mx-not-reached", "R-APPLY-1", "RFC 8461 §4",
        "whether it has TLS could not be seen";
    MxNoRoute = "mx-no-route", "R-APPLY-1", "RFC 8461 §4",
        "it could not be looked at from here, which is not the domain's fault";
    MxClosed = "mx-closed", "R-APPLY-1", "RFC 5321 §3.1",
        "senders try the next host and keep the mail when there is none";
    MxNoStartTls = "mx-no-starttls", "R-APPLY-1", "RFC 8461 §4",
        "senders that enforce the policy deliver over TLS or not at all";
    MxTlsFailed = "mx-tls-failed", "R-APPLY-1", "RFC 8461 §4",
        "senders that enforce the policy deliver over TLS 1.2 or later, or not at all";
    MxCertificate = "mx-certificate", "R-CERT-1", "RFC 8461 §4.2",
        "senders that enforce the policy deliver only to a host with a valid certificate for its name in the MX record";
    MxCertificateEnds = "mx-certificate-ends", "R-CERT-1", "RFC 8461 §4.2",
        "once it is over, senders that enforce the policy do not deliver to this host";
    DaneFailed = "dane-failed", "R-APPLY-2", "RFC 7672 §2.2",
        "senders that do DANE do not deliver to a host whose certificate matches none of its TLSA records";
    DaneUnknown = "dane-unknown", "R-APPLY-2", "RFC 7672 §2.1.3",
        "senders that do DANE keep the mail while they cannot look up the TLSA records";
    DaneUnusable = "dane-unusable", "R-APPLY-2", "RFC 7672 §3.1.3",
        "of TLSA records that nobody can use, senders take nothing but that there must be TLS";
    TlsrptMissing = "tlsrpt-missing", "R-RPT-1", "RFC 8460 §3",
        "nobody tells you of mail that did not arrive by your policy";
    TlsrptBroken = "tlsrpt-broken", "R-RPT-1", "RFC 8460 §3",
        "senders send no reports without exactly one legal record";
    TlsrptUnknown = "tlsrpt-unknown", "R-RPT-1", "RFC 8460 §3",
        "senders send no reports while the record cannot be looked up";
}
