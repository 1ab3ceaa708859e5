// SPDX-License-Identifier: MIT OR Apache-2.0

//! A surface that is another program: the line protocol of `PROTOCOL.md`, from the asking side.

use crate::json::{Stop, unhex};
use crate::surface::{
    Answer, HttpsReply, NetstringFacts, OutcomeFacts, PolicyFacts, PostfixFacts, Refusal,
    SessionFacts, Step, Store, Surface, TxtRecord, TxtReply, VerdictFacts,
};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio};

/// The program, which ends when its standard input does.
pub struct Child {
    process: Process,
    requests: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl Child {
    /// Starts `program`.
    pub fn start(program: &Path) -> Result<Self, String> {
        let started = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut process = started.map_err(|error| format!("{}: {error}", program.display()))?;
        let (requests, replies) = (process.stdin.take(), process.stdout.take());
        let replies = BufReader::new(replies.ok_or("no pipe from the surface")?);
        Ok(Self {
            process,
            requests,
            replies,
        })
    }

    /// One request, one reply.
    fn ask(&mut self, request: &str) -> Answer<Reply> {
        let gone = || Stop::failed("the surface is gone");
        let requests = self.requests.as_mut().ok_or_else(gone)?;
        writeln!(requests, "{request}").map_err(|_| gone())?;
        requests.flush().map_err(|_| gone())?;
        let mut line = String::new();
        match self.replies.read_line(&mut line) {
            Ok(length) if length > 0 => Reply::new(&line),
            _ => Err(gone()),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.requests = None; // ends the program
        let _ = self.process.wait();
    }
}

/// The words of a reply, of which the first says what kind it is.
struct Reply {
    head: String,
    words: std::vec::IntoIter<String>,
}

impl Reply {
    fn new(line: &str) -> Answer<Self> {
        let mut words = line
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .into_iter();
        let head = words.next().unwrap_or_default();
        match head.as_str() {
            "unsupported" => Err(Stop::skipped("the surface cannot do this")),
            "error" => Err(Stop::failed(format!(
                "the surface says: {}",
                words.as_slice().join(" ")
            ))),
            _ => Ok(Self { head, words }),
        }
    }

    fn unexpected(&self) -> Stop {
        Stop::failed(format!(
            "reply not understood: {} {:?}",
            self.head,
            self.words.as_slice()
        ))
    }

    fn word(&mut self) -> Answer<String> {
        self.words
            .next()
            .ok_or_else(|| Stop::failed(format!("{} reply too short", self.head)))
    }

    /// A word, or `*` for none.
    fn maybe(&mut self) -> Answer<Option<String>> {
        Ok(Some(self.word()?).filter(|word| word != "*"))
    }

    fn number(&mut self) -> Answer<u64> {
        number(&self.word()?)
    }

    fn id(&mut self) -> Answer<u32> {
        u32::try_from(self.number()?).map_err(|_| self.unexpected())
    }

    fn text(&mut self) -> Answer<String> {
        text(&self.word()?)
    }

    fn octets(&mut self) -> Answer<Vec<u8>> {
        octets(&self.word()?)
    }

    /// Refuses a reply of another kind.
    fn is(self, head: &str) -> Answer<Self> {
        if self.head == head {
            Ok(self)
        } else {
            Err(self.unexpected())
        }
    }

    /// All words that are left, as texts.
    fn texts(&mut self) -> Answer<Vec<String>> {
        self.words.by_ref().map(|word| text(&word)).collect()
    }

    fn refusal(&mut self) -> Answer<Refusal> {
        let (kind, line) = (self.word()?, self.number()?);
        Ok(Refusal {
            kind,
            line,
            column: self.number()?,
        })
    }

    /// `ok` or `refused KIND`.
    fn taken(&mut self) -> Answer<Result<(), String>> {
        match self.head.as_str() {
            "ok" => Ok(Ok(())),
            "refused" => Ok(Err(self.word()?)),
            _ => Err(self.unexpected()),
        }
    }

    /// `yes` or `no`.
    fn truth(&self) -> Answer<bool> {
        match self.head.as_str() {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err(self.unexpected()),
        }
    }
}

fn number(word: &str) -> Answer<u64> {
    word.parse()
        .map_err(|_| Stop::failed(format!("{word:?} is no number")))
}

/// Octets are hexadecimal; `-` is none of them.
fn octets(word: &str) -> Answer<Vec<u8>> {
    match word {
        "-" => Ok(Vec::new()),
        _ => unhex(word),
    }
}

fn text(word: &str) -> Answer<String> {
    String::from_utf8(octets(word)?).map_err(|_| Stop::failed("a text is not UTF-8"))
}

fn hex(octets: &[u8]) -> String {
    if octets.is_empty() {
        return "-".to_owned();
    }
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Each record a word, its strings joined by commas.
fn records(records: &[TxtRecord]) -> String {
    let record = |strings: &TxtRecord| {
        let strings: Vec<_> = strings.iter().map(|string| hex(string)).collect();
        format!(
            " {}",
            if strings.is_empty() {
                "-".to_owned()
            } else {
                strings.join(",")
            }
        )
    };
    records.iter().map(record).collect()
}

fn ttl(ttl: Option<u32>) -> String {
    ttl.map_or_else(|| "*".to_owned(), |ttl| ttl.to_string())
}

impl Surface for Child {
    fn record(&mut self, txt: &[TxtRecord]) -> Answer<Result<String, Refusal>> {
        let mut reply = self.ask(&format!("record{}", records(txt)))?;
        match reply.head.as_str() {
            "id" => Ok(Ok(reply.text()?)),
            "invalid" => Ok(Err(reply.refusal()?)),
            _ => Err(reply.unexpected()),
        }
    }

    fn tlsrpt(&mut self, txt: &[TxtRecord]) -> Answer<Result<Vec<String>, Refusal>> {
        let mut reply = self.ask(&format!("tlsrpt{}", records(txt)))?;
        match reply.head.as_str() {
            "rua" => Ok(Ok(reply.texts()?)),
            "invalid" => Ok(Err(reply.refusal()?)),
            _ => Err(reply.unexpected()),
        }
    }

    fn report(&mut self, json: &[u8]) -> Answer<Result<String, Refusal>> {
        let mut reply = self.ask(&format!("report {}", hex(json)))?;
        match reply.head.as_str() {
            "report" => Ok(Ok(reply.text()?)),
            "invalid" => Ok(Err(reply.refusal()?)),
            _ => Err(reply.unexpected()),
        }
    }

    fn mail(&mut self, mail: &[u8]) -> Answer<bool> {
        self.ask(&format!("mail {}", hex(mail)))?.truth()
    }

    fn fact(&mut self, what: &str, input: &str) -> Answer<String> {
        let mut reply = self.ask(&format!("fact {what} {}", hex(input.as_bytes())))?;
        match reply.head.as_str() {
            "fact" => reply.text(),
            _ => Err(reply.unexpected()),
        }
    }

    fn policy(&mut self, body: &[u8]) -> Answer<Result<PolicyFacts, Refusal>> {
        let mut reply = self.ask(&format!("policy {}", hex(body)))?;
        match reply.head.as_str() {
            "valid" => Ok(Ok(policy_facts(&mut reply)?)),
            "invalid" => Ok(Err(reply.refusal()?)),
            _ => Err(reply.unexpected()),
        }
    }

    fn matches(&mut self, body: &[u8], mx_host: &str) -> Answer<bool> {
        self.ask(&format!("match {} {}", hex(body), hex(mx_host.as_bytes())))?
            .truth()
    }

    fn certificate(&mut self, der: &[u8], name: &str) -> Answer<bool> {
        self.ask(&format!(
            "certificate {} {}",
            hex(der),
            hex(name.as_bytes())
        ))?
        .truth()
    }

    fn lookup(
        &mut self,
        domain: &str,
        store: Store<'_>,
        config: &[(String, u64)],
        now: u64,
    ) -> Answer<Result<(), String>> {
        let store = match store {
            Store::Empty => "empty".to_owned(),
            Store::Failed => "failed".to_owned(),
            Store::Local(text) => format!("local:{}", hex(text.as_bytes())),
            Store::Text(text) => format!("text:{}", hex(text.as_bytes())),
        };
        let mut request = format!("lookup {} {store} {now}", hex(domain.as_bytes()));
        for (name, value) in config {
            request.push_str(&format!(" {name}={value}"));
        }
        self.ask(&request)?.taken()
    }

    fn poll(&mut self) -> Answer<Step> {
        let mut reply = self.ask("poll")?;
        match reply.head.as_str() {
            "query-txt" => Ok(Step::QueryTxt {
                id: reply.id()?,
                name: reply.text()?,
            }),
            "fetch" => Ok(Step::Fetch {
                id: reply.id()?,
                host: reply.text()?,
                path: reply.text()?,
                timeout_ms: reply.number()?,
                max_body: reply.number()?,
            }),
            "done" => Ok(Step::Done),
            _ => Err(reply.unexpected()),
        }
    }

    fn txt(&mut self, id: u32, now: u64, answer: &TxtReply) -> Answer<Result<(), String>> {
        let answer = match answer {
            TxtReply::Records {
                records: txt,
                ttl: seconds,
            } => {
                format!("records {}{}", ttl(*seconds), records(txt))
            }
            TxtReply::Failed { word, ttl: seconds } => format!("{word} {}", ttl(*seconds)),
        };
        self.ask(&format!("txt {id} {now} {answer}"))?.taken()
    }

    fn https(&mut self, id: u32, now: u64, answer: &HttpsReply) -> Answer<Result<(), String>> {
        let answer = match answer {
            HttpsReply::Reply {
                status,
                content_type,
                body,
            } => {
                let content_type = content_type.as_ref().map(|value| hex(value.as_bytes()));
                let content_type = content_type.as_deref().unwrap_or("*");
                format!("reply {status} {content_type} {}", hex(body))
            }
            HttpsReply::Failed { word } => word.clone(),
        };
        self.ask(&format!("https {id} {now} {answer}"))?.taken()
    }

    fn outcome(&mut self) -> Answer<OutcomeFacts> {
        let mut reply = self.ask("outcome")?;
        if reply.head != "outcome" {
            return Err(reply.unexpected());
        }
        Ok(OutcomeFacts {
            basis: reply.word()?,
            reason: reply.maybe()?,
            result: reply.maybe()?,
            changed: reply.word()? == "yes",
            try_later: reply.word()? == "yes",
            mode: reply.maybe()?,
            id: reply.maybe()?,
            max_age: reply.maybe()?.as_deref().map(number).transpose()?,
            fetched_at: reply.maybe()?.as_deref().map(number).transpose()?,
            expires_at: reply.maybe()?.as_deref().map(number).transpose()?,
            mx: reply.texts()?,
        })
    }

    fn stored(&mut self) -> Answer<String> {
        let mut reply = self.ask("stored")?;
        if reply.head == "stored" {
            reply.text()
        } else {
            Err(reply.unexpected())
        }
    }

    fn verdict(&mut self, session: &SessionFacts) -> Answer<VerdictFacts> {
        let SessionFacts {
            mx_host,
            tls,
            certificate,
            dane,
            mx_secure,
        } = session;
        let secure = if *mx_secure { "secure" } else { "insecure" };
        let host = hex(mx_host.as_bytes());
        let mut reply = self.ask(&format!(
            "verdict {host} {tls} {certificate} {dane} {secure}"
        ))?;
        if reply.head != "verdict" {
            return Err(reply.unexpected());
        }
        let action = reply.word()?;
        Ok(VerdictFacts {
            action,
            result: reply.maybe()?,
            cause: reply.maybe()?,
        })
    }

    fn again(&mut self) -> Answer<()> {
        let mut reply = self.ask("again")?;
        reply.taken()?.map_err(|_| reply.unexpected())
    }

    fn postfix(&mut self, dane: &str, version: &str, level: Option<&str>) -> Answer<PostfixFacts> {
        let level = level.unwrap_or("*");
        let request = format!("postfix {dane} {version} {level}");
        let mut reply = self.ask(&request)?.is("postfix")?;
        let found = reply.word()?;
        let value = reply.octets()?;
        Ok(PostfixFacts { found, value })
    }

    fn next_hop(&mut self, key: &str) -> Answer<Option<String>> {
        let request = format!("next-hop {}", hex(key.as_bytes()));
        let name = self.ask(&request)?.is("next-hop")?.maybe()?;
        name.as_deref().map(text).transpose()
    }

    fn netstrings(&mut self, input: &[u8], limit: u64) -> Answer<NetstringFacts> {
        let request = format!("netstrings {} {limit}", hex(input));
        let mut reply = self.ask(&request)?.is("netstrings")?;
        Ok(NetstringFacts {
            refused: reply.maybe()?,
            rest: reply.number()?,
            payloads: reply
                .words
                .map(|word| octets(&word))
                .collect::<Answer<_>>()?,
        })
    }

    fn framed(&mut self, payload: &[u8]) -> Answer<Vec<u8>> {
        let request = format!("framed {}", hex(payload));
        self.ask(&request)?.is("framed")?.octets()
    }
}

/// `MODE MAX_AGE COUNT MX… WARNING…`, each warning `KIND:LINE:COLUMN`.
fn policy_facts(reply: &mut Reply) -> Answer<PolicyFacts> {
    let (mode, max_age, count) = (reply.word()?, reply.number()?, reply.number()?);
    let mx = (0..count).map(|_| reply.text()).collect::<Answer<_>>()?;
    let warnings = reply
        .words
        .by_ref()
        .map(|word| warning(&word))
        .collect::<Answer<_>>()?;
    Ok(PolicyFacts {
        mode,
        max_age,
        mx,
        warnings,
    })
}

fn warning(word: &str) -> Answer<Refusal> {
    let mut parts = word.split(':').map(str::to_owned);
    let mut part = || parts.next().unwrap_or_default();
    let kind = part();
    Ok(Refusal {
        kind,
        line: number(&part())?,
        column: number(&part())?,
    })
}
