// SPDX-License-Identifier: MIT OR Apache-2.0

//! Why a host's answer gave no policy: what failed, in words and as the result type of
//! RFC 8460 §4.3 (R-RPT-2).

use crate::tlsrpt::ResultType;
use core::{fmt, str::FromStr};

/// A TXT query without records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxtFailure {
    /// The DNS says that there are none: NXDOMAIN, or NODATA. `ttl` is the negative TTL in
    /// seconds (RFC 2308 §5), if known.
    NoRecords {
        /// The negative TTL in seconds.
        ttl: Option<u32>,
    },
    /// This machine lacks something: descriptors, memory.
    Local,
    /// The answer is malformed, or the name cannot be asked for.
    Permanent,
    /// Time-out, SERVFAIL, REFUSED, no network: another try may do better.
    Temporary,
}

/// An HTTPS request without a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchFailure {
    /// The body is larger than allowed.
    BodyTooLarge,
    /// No connection to any address, or the connection broke.
    Connect,
    /// The Policy Host has no address, or its addresses could not be looked up.
    Dns,
    /// This machine lacks something: descriptors, memory. That is not the domain's fault, so
    /// that it does not count against it.
    Local,
    /// Anything else: not HTTP, for instance.
    Other,
    /// The time limit of the whole fetch was over.
    Timeout,
    /// The certificate is not valid for the Policy Host (R-GET-1).
    WebPki,
}

macro_rules! reasons {
    ($( $(#[$doc:meta])* $name:ident = $word:literal, $line:literal; )*) => {
        /// Why there is no policy, or why the cached one was not renewed.
        ///
        /// Its text (`Display`) is a word that [`FromStr`] reads back.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $( $(#[$doc])* $name, )*
            /// The reply's status, not 200.
            Status(u16),
        }

        impl Reason {
            /// A word of lower-case letters and `-`; `status` for [`Reason::Status`].
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$name => $word, )*
                    Self::Status(_) => "status",
                }
            }

            /// One line for a person.
            pub const fn describe(self) -> &'static str {
                match self {
                    $( Self::$name => $line, )*
                    Self::Status(_) => "the policy host's reply has another status than 200",
                }
            }
        }

        /// The reasons that are a word alone.
        const WORDS: &[Reason] = &[$( Reason::$name, )*];
    };
}

reasons! {
    /// The policy is larger than allowed.
    BodyTooLarge = "body-too-large", "the policy is larger than 64 KiB";
    /// No connection to the Policy Host.
    Connect = "connect", "no connection to the policy host";
    /// The answer to the TXT query was malformed.
    DnsPermanent = "dns-permanent", "the DNS answer for the TXT record is malformed";
    /// The TXT record could not be looked up for now.
    DnsTemporary = "dns-temporary", "the TXT record cannot be looked up for now";
    /// Six fetches within five minutes are the most that one domain gets (R-GET-5).
    FetchLimit = "fetch-limit", "fetched too often in the last five minutes";
    /// The fetch failed in some other way.
    FetchOther = "fetch-other", "the policy host does not answer as HTTPS servers do";
    /// This machine lacks something that a look-up needs: descriptors, memory.
    LocalFailure = "local-failure", "this machine lacks what a look-up needs";
    /// The reply is not `text/plain`.
    MediaType = "media-type", "the policy host's reply is not text/plain";
    /// There is no TXT record.
    NoRecord = "no-record", "there is no MTA-STS record";
    /// The Policy Host has no address.
    PolicyHostDns = "policy-host-dns", "the policy host's address cannot be found";
    /// The policy breaks the grammar.
    PolicyInvalid = "policy-invalid", "the policy breaks the grammar";
    /// The TXT record breaks the grammar, which is as good as none.
    RecordInvalid = "record-invalid", "the MTA-STS record breaks the grammar";
    /// There is more than one TXT record, which is as good as none.
    SeveralRecords = "several-records", "there is more than one MTA-STS record";
    /// The host's store could not be read, so a cached policy may exist.
    StoreFailed = "store-failed", "the policy store cannot be read for now";
    /// The fetch took too long.
    Timeout = "timeout", "the policy host takes too long";
    /// The Policy Host's certificate is not valid for it.
    WebPki = "webpki", "the policy host's certificate is not valid";
}

impl Reason {
    /// The result type to report (R-RPT-2, R-RPT-5); `None` where no record says that there
    /// should be a policy, so that there is nothing to report.
    pub const fn result_type(self) -> Option<ResultType> {
        match self {
            Self::PolicyInvalid => Some(ResultType::StsPolicyInvalid),
            Self::WebPki => Some(ResultType::StsWebPkiInvalid),
            Self::BodyTooLarge
            | Self::Connect
            | Self::FetchLimit
            | Self::FetchOther
            | Self::MediaType
            | Self::PolicyHostDns
            | Self::Status(_)
            | Self::Timeout => Some(ResultType::StsPolicyFetchError),
            Self::DnsPermanent
            | Self::DnsTemporary
            | Self::LocalFailure
            | Self::NoRecord
            | Self::RecordInvalid
            | Self::SeveralRecords
            | Self::StoreFailed => None,
        }
    }
}

impl fmt::Display for Reason {
    /// The word, for [`Reason::Status`] with its number: `status-404`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status-{status}"),
            _ => f.write_str(self.as_str()),
        }
    }
}

impl FromStr for Reason {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        if let Some(status) = word.strip_prefix("status-") {
            return status.parse().map(Self::Status).map_err(|_| ());
        }
        WORDS
            .iter()
            .copied()
            .find(|known| known.as_str() == word)
            .ok_or(())
    }
}

impl From<TxtFailure> for Reason {
    fn from(failure: TxtFailure) -> Self {
        match failure {
            TxtFailure::NoRecords { .. } => Self::NoRecord,
            TxtFailure::Local => Self::LocalFailure,
            TxtFailure::Permanent => Self::DnsPermanent,
            TxtFailure::Temporary => Self::DnsTemporary,
        }
    }
}

impl From<FetchFailure> for Reason {
    fn from(failure: FetchFailure) -> Self {
        match failure {
            FetchFailure::BodyTooLarge => Self::BodyTooLarge,
            FetchFailure::Connect => Self::Connect,
            FetchFailure::Dns => Self::PolicyHostDns,
            FetchFailure::Local => Self::LocalFailure,
            FetchFailure::Other => Self::FetchOther,
            FetchFailure::Timeout => Self::Timeout,
            FetchFailure::WebPki => Self::WebPki,
        }
    }
}
