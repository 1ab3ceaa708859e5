// SPDX-License-Identifier: MIT OR Apache-2.0

//! Cases of `postfix_socketmap` whose `context` is prose, such as `enforce; mx mail.example.com,
//! *.backup.example.com`. What cannot be understood is skipped, never guessed.

use crate::json::{self, Stop, same};
use crate::postfix::reply;
use crate::surface::{HttpsReply, Step, Store, Surface, TxtReply};
use serde_json::Value;

const NOW: u64 = 1_767_225_600;
const LIMIT: u64 = 10_000;

/// Runs a case by its `request`, `context` and `expected`.
pub fn check(case: &Value, surface: &mut dyn Surface) -> Result<(), Stop> {
    let is_ambiguous = case.get("certainty").and_then(Value::as_str) == Some("ambiguous");
    if is_ambiguous && json::maybe(case, "decided").is_none() {
        return Err(Stop::skipped("ambiguous, and not decided"));
    }
    let request = json::text(case, "request")?;
    let context = case
        .get("context")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let expected = json::text(case, "expected")?;
    if let Some(payload) = request.strip_prefix("netstring encode ") {
        let framed = surface.framed(unquoted(payload).as_bytes())?;
        return same("framed", framed.as_slice(), expected.as_bytes());
    }
    if let Some(input) = request.strip_prefix("netstring ") {
        return check_netstring(input, expected, surface);
    }
    match request.split_once(' ') {
        _ if !is_reply(expected) => Err(Stop::skipped("says nothing of a reply")),
        Some((_, key)) if !key.contains(' ') => check_query(key, context, expected, surface),
        None => check_query("example.com", context, expected, surface),
        Some(_) => Err(Stop::skipped("no request of a map")),
    }
}

fn is_reply(text: &str) -> bool {
    ["OK ", "NOTFOUND ", "TEMP "]
        .iter()
        .any(|word| text.starts_with(word))
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text)
}

fn check_netstring(input: &str, expected: &str, surface: &mut dyn Surface) -> Result<(), Stop> {
    const NUMBERS: &[&str] = &["no", "one", "two", "three", "four", "five"];
    let got = surface.netstrings(input.as_bytes(), LIMIT)?;
    let says = |words: &[&str]| words.iter().any(|word| expected.contains(word));
    if says(&["refuse", "reject", "error"]) {
        return same("refused", got.refused.is_some(), true);
    }
    same("refused", got.refused, None)?;
    if says(&["incomplete", "wait", "more"]) {
        return same("octets left", got.rest > 0 && got.payloads.is_empty(), true);
    }
    if says(&["empty"]) {
        return same("payloads", got.payloads, vec![Vec::new()]);
    }
    let mut counted = expected.split(" request");
    let count = counted
        .next()
        .and_then(|word| NUMBERS.iter().position(|number| *number == word));
    match (count, counted.next()) {
        (Some(count), Some(_)) => same("requests", got.payloads.len(), count),
        _ if expected.contains(' ') => Err(Stop::skipped("expects what is no data")),
        _ => same("payloads", got.payloads, vec![unquoted(expected).into()]),
    }
}

fn check_query(
    key: &str,
    context: &str,
    expected: &str,
    surface: &mut dyn Surface,
) -> Result<(), Stop> {
    let Some(domain) = surface.next_hop(key)? else {
        return same("reply", "NOTFOUND ", expected);
    };
    let mut world = World::of(&domain, context, expected)?;
    if surface
        .lookup(&domain, Store::Empty, &world.config, NOW)?
        .is_err()
    {
        return Err(Stop::skipped(
            "the domain is for the host to convert, or refuse",
        ));
    }
    loop {
        match surface.poll()? {
            Step::QueryTxt { id, .. } => surface.txt(id, NOW, &world.txt)?,
            Step::Fetch { id, .. } => surface.https(id, NOW, &world.fetched())?,
            Step::Done => break,
        }
        .map_err(|kind| Stop::failed(format!("answer refused: {kind}")))?;
    }
    let facts = surface.postfix(world.dane, version(expected), None)?;
    same("reply", reply(&facts)?.as_str(), expected)
}

/// The Postfix that would read all that is expected, and wants no more.
fn version(expected: &str) -> &'static str {
    match () {
        () if expected.contains("policy_type=") => "3.10",
        () if expected.contains("secure ") && !expected.contains("servername=") => "3.0",
        () => "3.4",
    }
}

/// What DNS and HTTPS answer.
struct World {
    txt: TxtReply,
    https: Option<HttpsReply>,
    mode: Option<&'static str>,
    has_policy: bool,
    mx: Vec<String>,
    config: Vec<(String, u64)>,
    dane: &'static str,
}

impl World {
    fn of(domain: &str, context: &str, expected: &str) -> Result<Self, Stop> {
        let mut world = Self {
            txt: records(&["v=STSv1; id=1;"]),
            https: None,
            mode: None,
            has_policy: false,
            mx: Vec::new(),
            config: Vec::new(),
            dane: "none",
        };
        let said = match context.split_once(": ") {
            Some((of, said)) if !of.contains([' ', ',', ';']) => {
                if of != domain {
                    world.txt = failed("no-records"); // another domain's policy is not this one's
                }
                said
            }
            _ => context,
        };
        for part in said.split([',', ';']).map(str::trim) {
            world.take(part, expected)?;
        }
        match world.has_policy && world.mode.is_none() && world.https.is_none() {
            true => Err(Stop::skipped("the context names no mode")),
            false => Ok(world),
        }
    }

    /// One thing that the context says.
    fn take(&mut self, part: &str, expected: &str) -> Result<(), Stop> {
        let says = |words: &[&str]| words.iter().any(|word| part.contains(word));
        let bare = part.strip_prefix("mode ").unwrap_or(part);
        let mx = part
            .strip_prefix("mx")
            .map(|mx| mx.trim_start_matches([' ', ':', '=']));
        match (bare, mx) {
            ("enforce", _) => self.mode("enforce"),
            ("testing", _) => self.mode("testing"),
            ("none", _) => self.mode("none"),
            ("no mx", _) => self.mode("enforce"),
            (_, Some(pattern)) => self.mx(pattern),
            (pattern, _) if !self.mx.is_empty() && pattern.contains('.') => self.mx(pattern),
            ("strict off", _) => {}
            _ if says(&["DANE", "TLSA"]) && says(&["usable", "secure"]) => self.dane = "usable",
            _ if says(&["DANE", "TLSA"]) && says(&["fail", "FAIL", "bogus"]) => {
                self.dane = "temporary";
            }
            _ if says(&["temporary", "SERVFAIL"]) => self.temporary(expected),
            _ if says(&["no record", "no policy", "no TXT", "NXDOMAIN"]) => {
                self.txt = failed("no-records")
            }
            _ if says(&["two records", "several records", "multiple records"]) => {
                self.txt = records(&["v=STSv1; id=1;", "v=STSv1; id=2;"]);
            }
            _ if says(&["bad record", "invalid record", "malformed record"]) => {
                self.txt = records(&["v=STSv1;"]);
            }
            _ => self.https(part)?,
        }
        Ok(())
    }

    fn mode(&mut self, mode: &'static str) {
        self.mode = Some(mode);
        self.has_policy = true;
    }

    fn mx(&mut self, pattern: &str) {
        self.mx.push(pattern.to_owned());
        self.has_policy = true;
    }

    /// R-FLOW-2: what comes of it is the host's choice.
    fn temporary(&mut self, expected: &str) {
        let waits = expected.starts_with("TEMP ");
        self.txt = failed("temporary");
        self.config
            .push(("defer_on_dns_failure".to_owned(), waits.into()));
    }

    fn https(&mut self, part: &str) -> Result<(), Stop> {
        const PAGE: &str = "version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 86400\n";
        let says = |words: &[&str]| words.iter().any(|word| part.contains(word));
        let reply = |status: u16, content_type: &str, body: &str| HttpsReply::Reply {
            status,
            content_type: Some(content_type.to_owned()),
            body: body.into(),
        };
        let status = part
            .trim_start_matches(|c: char| !c.is_ascii_digit())
            .parse()
            .ok();
        self.https = Some(match status {
            Some(status @ 100..600) => reply(status, "text/plain", PAGE),
            _ if says(&["self-signed", "wrong name", "expired", "untrusted"]) => {
                HttpsReply::Failed {
                    word: "webpki".to_owned(),
                }
            }
            _ if says(&["timeout", "time-out", "too slow"]) => HttpsReply::Failed {
                word: "timeout".to_owned(),
            },
            _ if says(&["connect", "unreachable"]) => HttpsReply::Failed {
                word: "connect".to_owned(),
            },
            _ if says(&["content type", "media type"]) => reply(200, "text/html", PAGE),
            _ if says(&[
                "bad policy",
                "invalid policy",
                "bad mode",
                "bad version",
                "bad max_age",
            ]) =>
            {
                reply(200, "text/plain", "no policy")
            }
            _ => return Err(Stop::skipped(format!("context not understood: {part:?}"))),
        });
        Ok(())
    }

    fn fetched(&mut self) -> HttpsReply {
        let lines: String = self.mx.iter().map(|mx| format!("mx: {mx}\n")).collect();
        let mode = self.mode.unwrap_or("enforce");
        self.https.take().unwrap_or_else(|| HttpsReply::Reply {
            status: 200,
            content_type: Some("text/plain".to_owned()),
            body: format!("version: STSv1\nmode: {mode}\n{lines}max_age: 86400\n").into_bytes(),
        })
    }
}

fn records(texts: &[&str]) -> TxtReply {
    let records = texts
        .iter()
        .map(|text| vec![text.as_bytes().to_vec()])
        .collect();
    TxtReply::Records {
        records,
        ttl: Some(300),
    }
}

fn failed(word: &str) -> TxtReply {
    TxtReply::Failed {
        word: word.to_owned(),
        ttl: None,
    }
}
