// SPDX-License-Identifier: MIT OR Apache-2.0

//! What every surface of the engine must be able to do, in terms that each of them has: names
//! are words as `PROTOCOL.md` lists them.

use crate::json::Stop;

/// An answer of a surface; it may be unable to give one.
pub type Answer<T> = Result<T, Stop>;

/// One TXT record: its strings.
pub type TxtRecord = Vec<Vec<u8>>;

/// Why an input was refused, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    pub kind: String,
    pub line: u64,
    pub column: u64,
}

/// A warning, of the same form.
pub type Warning = Refusal;

/// A policy that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyFacts {
    pub mode: String,
    pub max_age: u64,
    pub mx: Vec<String>,
    pub warnings: Vec<Warning>,
}

/// What the store has of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store<'a> {
    Empty,
    Failed,
    /// The operator's own policy is there.
    Local(&'a str),
    Text(&'a str),
}

/// What a lookup needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    QueryTxt {
        id: u32,
        name: String,
    },
    Fetch {
        id: u32,
        host: String,
        path: String,
        timeout_ms: u64,
        max_body: u64,
    },
    Done,
}

/// The answer to a TXT query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxtReply {
    Records {
        records: Vec<TxtRecord>,
        ttl: Option<u32>,
    },
    Failed {
        word: String,
        ttl: Option<u32>,
    },
}

/// The answer to a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpsReply {
    Reply {
        status: u16,
        content_type: Option<String>,
        body: Vec<u8>,
    },
    Failed {
        word: String,
    },
}

/// What a lookup came to. Without a policy, what is the policy's is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutcomeFacts {
    pub basis: String,
    pub reason: Option<String>,
    pub result: Option<String>,
    pub mode: Option<String>,
    pub id: Option<String>,
    pub max_age: Option<u64>,
    pub fetched_at: Option<u64>,
    pub expires_at: Option<u64>,
    pub changed: bool,
    pub try_later: bool,
    pub mx: Vec<String>,
}

/// What is known of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFacts {
    pub mx_host: String,
    pub tls: String,
    pub certificate: String,
    pub dane: String,
    pub mx_secure: bool,
}

/// The verdict on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictFacts {
    pub action: String,
    pub result: Option<String>,
    pub cause: Option<String>,
}

/// What Postfix is told: `policy`, `not-found` or `temporary`, and the value of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostfixFacts {
    pub found: String,
    pub value: Vec<u8>,
}

/// What came of a stream of netstrings, until more is needed or one is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetstringFacts {
    pub payloads: Vec<Vec<u8>>,
    pub refused: Option<String>,
    /// The octets behind the last that was whole.
    pub rest: u64,
}

/// A way into the engine. The lookup and the outcome are the last that were made.
pub trait Surface {
    /// The `id` of the one record among `records`.
    fn record(&mut self, records: &[TxtRecord]) -> Answer<Result<String, Refusal>>;

    /// The report addresses of the one TLSRPT record among `records`.
    fn tlsrpt(&mut self, records: &[TxtRecord]) -> Answer<Result<Vec<String>, Refusal>>;

    /// Reads a TLSRPT report, and writes it again.
    fn report(&mut self, json: &[u8]) -> Answer<Result<String, Refusal>>;

    /// Whether a mail brings a TLSRPT report.
    fn mail(&mut self, mail: &[u8]) -> Answer<bool>;

    /// What is made of `input` in the terms of RFC 8460, by the words of `tlsrpt_report`.
    fn fact(&mut self, what: &str, input: &str) -> Answer<String>;

    /// Reads a policy.
    fn policy(&mut self, body: &[u8]) -> Answer<Result<PolicyFacts, Refusal>>;

    /// Whether the policy `body` lists `mx_host`. A policy that is refused lists nothing.
    fn matches(&mut self, body: &[u8], mx_host: &str) -> Answer<bool>;

    /// Whether the certificate `der` is for `name`.
    fn certificate(&mut self, der: &[u8], name: &str) -> Answer<bool>;

    /// Begins a lookup; a domain may be refused, by the kind of its error.
    fn lookup(
        &mut self,
        domain: &str,
        store: Store<'_>,
        config: &[(String, u64)],
        now: u64,
    ) -> Answer<Result<(), String>>;

    /// What the lookup needs now.
    fn poll(&mut self) -> Answer<Step>;

    /// Answers a TXT query; refused by the kind of the error.
    fn txt(&mut self, id: u32, now: u64, reply: &TxtReply) -> Answer<Result<(), String>>;

    /// Answers a fetch; refused by the kind of the error.
    fn https(&mut self, id: u32, now: u64, reply: &HttpsReply) -> Answer<Result<(), String>>;

    /// The outcome of the lookup, which is done.
    fn outcome(&mut self) -> Answer<OutcomeFacts>;

    /// What to remember of the domain.
    fn stored(&mut self) -> Answer<String>;

    /// The outcome's verdict on a session.
    fn verdict(&mut self, session: &SessionFacts) -> Answer<VerdictFacts>;

    /// Makes the lookup one that looks again.
    fn again(&mut self) -> Answer<()>;

    /// What the outcome has Postfix told.
    fn postfix(&mut self, dane: &str, version: &str, level: Option<&str>) -> Answer<PostfixFacts>;

    /// The domain that a key of Postfix names.
    fn next_hop(&mut self, key: &str) -> Answer<Option<String>>;

    /// Reads netstrings of at most `limit` octets each.
    fn netstrings(&mut self, input: &[u8], limit: u64) -> Answer<NetstringFacts>;

    /// Writes a netstring.
    fn framed(&mut self, payload: &[u8]) -> Answer<Vec<u8>>;
}
