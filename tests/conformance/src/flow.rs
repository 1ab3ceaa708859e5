// SPDX-License-Identifier: MIT OR Apache-2.0

//! `flow`: transcripts of lookups, answers in, steps and outcome out. What is stored goes from
//! one lookup to the next as the text that a store would keep.

use crate::case;
use crate::https::padded;
use crate::json::{self, Stop, same};
use crate::postfix;
use crate::surface::{
    Answer, HttpsReply, OutcomeFacts, SessionFacts, Step, Store, Surface, TxtReply,
};
use serde_json::Value;

const CONFIG: &[&str] = &[
    "defer_on_dns_failure",
    "divert_percent",
    "fetch_timeout_ms",
    "max_body",
    "max_negative_ttl",
    "max_ttl",
    "refresh_after",
    "min_ttl",
    "unknown_ttl",
];

/// Runs a transcript.
pub fn check(case: &Value, surface: &mut dyn Surface) -> Result<(), Stop> {
    json::only(
        case,
        &[
            "id",
            "about",
            "requirements",
            "domain",
            "config",
            "stored",
            "lookups",
        ],
    )?;
    let stored = json::maybe(case, "stored")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let mut replay = Replay {
        surface,
        case,
        stored,
        last: None,
    };
    for (number, lookup) in json::list(case, "lookups")?.iter().enumerate() {
        replay
            .lookup(lookup)
            .map_err(|stop| in_lookup(number + 1, stop))?;
    }
    Ok(())
}

fn in_lookup(number: usize, stop: Stop) -> Stop {
    match stop {
        Stop::Failed(why) => Stop::Failed(format!("lookup {number}: {why}")),
        skipped => skipped,
    }
}

struct Replay<'a> {
    surface: &'a mut dyn Surface,
    case: &'a Value,
    /// What the store has.
    stored: Option<String>,
    /// The request that was answered last.
    last: Option<u32>,
}

impl Replay<'_> {
    fn lookup(&mut self, lookup: &Value) -> Result<(), Stop> {
        json::only(lookup, LOOKUP)?;
        if !self.begin(lookup)? {
            return Ok(());
        }
        for (number, answer) in optional_list(lookup, "answers")?.iter().enumerate() {
            let answered = self.answer(answer, json::number(lookup, "at")?);
            answered.map_err(|stop| in_answer(number + 1, stop))?;
        }
        same("step", self.step()?, Step::Done)?;
        self.end(lookup)?;
        self.late(lookup)
    }

    /// Gives false where the domain is, and should be, refused.
    fn begin(&mut self, lookup: &Value) -> Answer<bool> {
        if json::maybe(lookup, "again").is_some() && json::truth(lookup, "again")? {
            self.surface.again()?;
            return Ok(true);
        }
        let own = json::maybe(lookup, "domain").is_some();
        let domain = json::text(if own { lookup } else { self.case }, "domain")?;
        let fails = lookup.get("store").and_then(Value::as_str) == Some("failed");
        let local = lookup.get("store").and_then(|store| store.get("local"));
        let store = match &self.stored {
            _ if local.is_some() => Store::Local(json::text(&lookup["store"], "local")?),
            _ if fails => Store::Failed,
            Some(text) => Store::Text(text),
            None => Store::Empty,
        };
        let config = config(self.case, lookup)?;
        let begun = self
            .surface
            .lookup(domain, store, &config, json::number(lookup, "at")?)?;
        let refused = lookup.get("refused").and_then(Value::as_str);
        same(
            "domain refused",
            begun.as_ref().err().map(String::as_str),
            refused,
        )?;
        Ok(begun.is_ok())
    }

    /// Asking changes nothing, so it is asked twice.
    fn step(&mut self) -> Answer<Step> {
        let step = self.surface.poll()?;
        same("step asked for again", self.surface.poll()?, step.clone())?;
        Ok(step)
    }

    fn answer(&mut self, entry: &Value, begun_at: u64) -> Result<(), Stop> {
        json::only(entry, ANSWER)?;
        let at = json::maybe(entry, "at")
            .and_then(Value::as_u64)
            .unwrap_or(begun_at);
        let word = json::text(entry, "step")?;
        if word == "stale" {
            return self.stale(entry, at);
        }
        match (word, self.step()?) {
            ("query-txt", Step::QueryTxt { id, name }) => {
                same("name", name.as_str(), json::text(entry, "name")?)?;
                self.last = Some(id);
                let reply = txt_reply(&entry["answer"])?;
                same("answer taken", self.surface.txt(id, at, &reply)?, Ok(()))
            }
            (
                "fetch",
                Step::Fetch {
                    id,
                    host,
                    path,
                    timeout_ms,
                    max_body,
                },
            ) => {
                same("host", host.as_str(), json::text(entry, "host")?)?;
                same("path", path.as_str(), "/.well-known/mta-sts.txt")?;
                check_number(entry, "timeout_ms", timeout_ms)?;
                check_number(entry, "max_body", max_body)?;
                self.last = Some(id);
                let reply = https_reply(&entry["answer"])?;
                same("answer taken", self.surface.https(id, at, &reply)?, Ok(()))
            }
            (_, step) => Err(Stop::failed(format!("step {step:?} instead of {word:?}"))),
        }
    }

    /// An answer that is not wanted is refused, and leaves the step as it was.
    fn stale(&mut self, entry: &Value, at: u64) -> Result<(), Stop> {
        let before = self.step()?;
        let open = match before {
            Step::QueryTxt { id, .. } | Step::Fetch { id, .. } => Some(id),
            Step::Done => None,
        };
        let id = match json::text(entry, "to")? {
            "open" => open,
            "last" => self.last,
            "other" => open.or(self.last).map(|id| id ^ 0x0040_0000), // of another domain
            _ => None,
        };
        let id = id.ok_or_else(|| Stop::failed("there is no such request"))?;
        let refused = self.give(json::text(entry, "give")?, id, at)?;
        same(
            "refused",
            refused.err().as_deref(),
            Some(json::text(entry, "refused")?),
        )?;
        same("step after a refused answer", self.step()?, before)
    }

    fn give(&mut self, what: &str, id: u32, at: u64) -> Answer<Result<(), String>> {
        if what == "txt" {
            let records = vec![vec![b"v=STSv1; id=stale;".to_vec()]];
            return self.surface.txt(
                id,
                at,
                &TxtReply::Records {
                    records,
                    ttl: Some(300),
                },
            );
        }
        self.surface.https(
            id,
            at,
            &HttpsReply::Failed {
                word: "webpki".to_owned(),
            },
        )
    }

    fn end(&mut self, lookup: &Value) -> Result<(), Stop> {
        let outcome = self.surface.outcome()?;
        check_outcome(&lookup["outcome"], &outcome)?;
        for (number, entry) in optional_list(lookup, "verdicts")?.iter().enumerate() {
            let judged = self.verdict(entry);
            judged.map_err(|stop| in_verdict(number + 1, stop))?;
        }
        for (number, entry) in optional_list(lookup, "postfix")?.iter().enumerate() {
            let told = postfix::check_reply(entry, self.surface);
            told.map_err(|stop| prefixed("postfix", number + 1, stop))?;
        }
        self.store(lookup, outcome.changed)
    }

    /// What has changed is saved; what is said not to have changed must not have.
    fn store(&mut self, lookup: &Value, changed: bool) -> Result<(), Stop> {
        let text = self.surface.stored()?;
        if let Some(wanted) = json::maybe(lookup, "stored") {
            same("stored text", Some(text.as_str()), wanted.as_str())?;
        }
        let is_own = json::maybe(lookup, "domain").is_none();
        match &self.stored {
            _ if changed => self.stored = Some(text),
            Some(before) if is_own && lookup.get("store").is_none() => {
                same("stored text, said to be unchanged", text.as_str(), before)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn verdict(&mut self, entry: &Value) -> Result<(), Stop> {
        json::only(entry, &["session", "action", "result", "cause"])?;
        let got = self.surface.verdict(&session(&entry["session"])?)?;
        same("action", got.action.as_str(), json::text(entry, "action")?)?;
        same(
            "result",
            got.result.as_deref(),
            entry.get("result").and_then(Value::as_str),
        )?;
        same(
            "cause",
            got.cause.as_deref(),
            entry.get("cause").and_then(Value::as_str),
        )
    }

    fn late(&mut self, lookup: &Value) -> Result<(), Stop> {
        let entries = optional_list(lookup, "late")?;
        let at = json::number(lookup, "at")?;
        entries.iter().try_for_each(|entry| self.stale(entry, at))
    }
}

const LOOKUP: &[&str] = &[
    "about", "again", "answers", "at", "config", "domain", "late", "outcome", "postfix", "refused",
    "store", "stored", "verdicts",
];
const ANSWER: &[&str] = &[
    "answer",
    "at",
    "give",
    "host",
    "max_body",
    "name",
    "refused",
    "step",
    "timeout_ms",
    "to",
];
const OUTCOME: &[&str] = &[
    "basis",
    "changed",
    "expires_at",
    "fetched_at",
    "id",
    "max_age",
    "mode",
    "mx",
    "reason",
    "result",
    "try_later",
];

fn in_answer(number: usize, stop: Stop) -> Stop {
    prefixed("answer", number, stop)
}

fn in_verdict(number: usize, stop: Stop) -> Stop {
    prefixed("verdict", number, stop)
}

fn prefixed(what: &str, number: usize, stop: Stop) -> Stop {
    match stop {
        Stop::Failed(why) => Stop::Failed(format!("{what} {number}: {why}")),
        skipped => skipped,
    }
}

fn optional_list<'a>(value: &'a Value, key: &str) -> Result<&'a [Value], Stop> {
    match json::maybe(value, key) {
        Some(_) => json::list(value, key),
        None => Ok(&[]),
    }
}

/// A lookup's settings, else the case's.
fn config(case: &Value, lookup: &Value) -> Answer<Vec<(String, u64)>> {
    let own = json::maybe(lookup, "config").or(json::maybe(case, "config"));
    let Some(settings) = own else {
        return Ok(Vec::new());
    };
    json::only(settings, CONFIG)?;
    let settings = settings.as_object().into_iter().flatten();
    settings
        .map(|(name, value)| Ok((name.clone(), setting(value)?)))
        .collect()
}

fn setting(value: &Value) -> Answer<u64> {
    let number = value.as_u64().or(value.as_bool().map(u64::from));
    number.ok_or_else(|| Stop::failed("a setting is a number, or true or false"))
}

fn check_number(entry: &Value, key: &str, got: u64) -> Result<(), Stop> {
    match json::maybe(entry, key) {
        Some(_) => same(key, got, json::number(entry, key)?),
        None => Ok(()),
    }
}

fn txt_reply(answer: &Value) -> Answer<TxtReply> {
    json::only(answer, &["txt", "ttl", "fail"])?;
    let ttl = json::maybe(answer, "ttl")
        .and_then(Value::as_u64)
        .map(|ttl| ttl as u32);
    match answer.get("fail").and_then(Value::as_str) {
        Some(word) => Ok(TxtReply::Failed {
            word: word.to_owned(),
            ttl,
        }),
        None => Ok(TxtReply::Records {
            records: case::records(answer, "txt")?,
            ttl,
        }),
    }
}

fn https_reply(answer: &Value) -> Answer<HttpsReply> {
    json::only(
        answer,
        &[
            "status",
            "content_type",
            "body",
            "body_hex",
            "body_size",
            "mx_lines",
            "fail",
        ],
    )?;
    if let Some(word) = answer.get("fail").and_then(Value::as_str) {
        return Ok(HttpsReply::Failed {
            word: word.to_owned(),
        });
    }
    let mut body = case::body(answer)?;
    for number in 0..answer.get("mx_lines").and_then(Value::as_u64).unwrap_or(0) {
        body.extend(format!("mx: mx{number}.example.com\n").bytes());
    }
    if let Some(size) = answer.get("body_size").and_then(Value::as_u64) {
        body = padded(body, size as usize)?;
    }
    let content_type = answer
        .get("content_type")
        .and_then(Value::as_str)
        .map(str::to_owned);
    Ok(HttpsReply::Reply {
        status: json::number(answer, "status")? as u16,
        content_type,
        body,
    })
}

/// Compares what the transcript names of the outcome; `null` means that there is none.
fn check_outcome(wanted: &Value, got: &OutcomeFacts) -> Result<(), Stop> {
    json::only(wanted, OUTCOME)?;
    let texts = [
        ("basis", Some(got.basis.as_str())),
        ("reason", got.reason.as_deref()),
        ("result", got.result.as_deref()),
        ("mode", got.mode.as_deref()),
        ("id", got.id.as_deref()),
    ];
    for (key, got) in texts {
        check_if_named(wanted, key, got.map(Value::from))?;
    }
    let numbers = [
        ("max_age", got.max_age),
        ("fetched_at", got.fetched_at),
        ("expires_at", got.expires_at),
    ];
    for (key, got) in numbers {
        check_if_named(wanted, key, got.map(Value::from))?;
    }
    check_if_named(wanted, "changed", Some(got.changed.into()))?;
    check_if_named(wanted, "try_later", Some(got.try_later.into()))?;
    check_if_named(wanted, "mx", Some(got.mx.clone().into()))
}

fn check_if_named(wanted: &Value, key: &str, got: Option<Value>) -> Result<(), Stop> {
    match wanted.get(key) {
        Some(wanted) => same(key, &got.unwrap_or(Value::Null), wanted),
        None => Ok(()),
    }
}

/// What is not said of a session is as in the usual good one.
fn session(session: &Value) -> Answer<SessionFacts> {
    json::only(
        session,
        &["mx_host", "tls", "certificate", "dane", "mx_secure"],
    )?;
    let word = |key: &str, default: &str| {
        let word = session.get(key).and_then(Value::as_str);
        word.unwrap_or(default).to_owned()
    };
    Ok(SessionFacts {
        mx_host: json::text(session, "mx_host")?.to_owned(),
        tls: word("tls", "established"),
        certificate: word("certificate", "valid"),
        dane: word("dane", "not-used"),
        mx_secure: session
            .get("mx_secure")
            .and_then(Value::as_bool)
            .unwrap_or(false),
    })
}
