// SPDX-License-Identifier: MIT OR Apache-2.0

//! The Rust surface: the crate itself, called in this process.

use crate::json::{self, Stop};
use crate::rust_report;
use crate::surface::{
    Answer, HttpsReply, NetstringFacts, OutcomeFacts, PolicyFacts, PostfixFacts, Refusal,
    SessionFacts, Step, Store, Surface, TxtRecord, TxtReply, VerdictFacts, Warning,
};
use crate::words::{self, kebab};
use mtasts::postfix::{self, Found, Style, netstring};
use mtasts::record::concat;
use mtasts::{
    Config, Error, Lookup, Outcome, Policy, PolicyDomain, Position, Record, RequestId, Session,
    Stored, TxtAnswer, UnixTime,
};
use std::sync::Arc;

/// The lookup under way, and the last outcome.
#[derive(Default)]
pub struct Rust {
    config: Config,
    lookup: Option<Lookup>,
    outcome: Option<Outcome>,
}

impl Surface for Rust {
    fn record(&mut self, records: &[TxtRecord]) -> Answer<Result<String, Refusal>> {
        let records = joined(records);
        let id = Record::select(&records).map(|record| record.id().to_owned());
        Ok(id.map_err(in_one_line))
    }

    fn tlsrpt(&mut self, records: &[TxtRecord]) -> Answer<Result<Vec<String>, Refusal>> {
        let records = joined(records);
        let record = mtasts::tlsrpt::Record::select(&records);
        let rua = record.map(|record| record.rua().iter().map(|&uri| uri.to_owned()).collect());
        Ok(rua.map_err(in_one_line))
    }

    fn report(&mut self, json: &[u8]) -> Answer<Result<String, Refusal>> {
        rust_report::report(json)
    }

    fn mail(&mut self, mail: &[u8]) -> Answer<bool> {
        rust_report::mail(mail)
    }

    fn fact(&mut self, what: &str, input: &str) -> Answer<String> {
        rust_report::fact(what, input)
    }

    fn policy(&mut self, body: &[u8]) -> Answer<Result<PolicyFacts, Refusal>> {
        let mut warnings = Vec::new();
        let policy = Policy::parse_with(body, |warning| {
            warnings.push(refusal(warning.kind, warning.position));
            Ok(())
        });
        first_warning_is_strict_error(body, policy.is_ok(), &warnings)?;
        let policy = policy.map(|policy| facts(&policy, warnings));
        Ok(policy.map_err(|error| refusal(error.kind(), Position::of(body, error.offset()))))
    }

    fn matches(&mut self, body: &[u8], mx_host: &str) -> Answer<bool> {
        let Ok(policy) = Policy::parse(body) else {
            return Ok(false);
        };
        let by_pattern = policy.mx().any(|pattern| pattern.matches(mx_host));
        json::same("match by each pattern", by_pattern, policy.matches(mx_host))?;
        Ok(by_pattern)
    }

    fn certificate(&mut self, der: &[u8], name: &str) -> Answer<bool> {
        Ok(mtasts::certificate::check_name(der, name).is_ok())
    }

    fn lookup(
        &mut self,
        domain: &str,
        store: Store<'_>,
        config: &[(String, u64)],
        now: u64,
    ) -> Answer<Result<(), String>> {
        self.config = self::config(config)?;
        let domain: PolicyDomain = match domain.parse() {
            Ok(domain) => domain,
            Err(error) => return Ok(Err(kebab(Error::kind(&error)))),
        };
        let now = UnixTime(now);
        self.lookup = Some(match store {
            Store::Empty => Lookup::new(domain, None, &self.config, now),
            Store::Failed => Lookup::without_store(domain, &self.config, now),
            Store::Local(text) => {
                let policy = Policy::parse(text.as_bytes());
                let policy = policy.map_err(|error| Stop::failed(format!("local: {error}")))?;
                Lookup::local(domain, Arc::new(policy), &self.config)
            }
            Store::Text(text) => Lookup::new(domain, Some(read(text)?), &self.config, now),
        });
        Ok(Ok(()))
    }

    fn poll(&mut self) -> Answer<Step> {
        let step = match self.open()?.poll() {
            mtasts::Step::QueryTxt { id, name } => Step::QueryTxt {
                id: id.0,
                name: name.to_owned(),
            },
            mtasts::Step::Fetch { id, request } => Step::Fetch {
                id: id.0,
                host: request.host.to_owned(),
                path: request.path.to_owned(),
                timeout_ms: request.timeout_ms.into(),
                max_body: request.max_body as u64,
            },
            mtasts::Step::Done(outcome) => {
                self.outcome = Some(outcome.clone());
                Step::Done
            }
        };
        Ok(step)
    }

    fn txt(&mut self, id: u32, now: u64, reply: &TxtReply) -> Answer<Result<(), String>> {
        let (id, now) = (RequestId(id), UnixTime(now));
        let lookup = self.open()?;
        let taken = match reply {
            TxtReply::Records { records, ttl } => {
                let answer = TxtAnswer {
                    records: joined(records),
                    ttl: *ttl,
                };
                lookup.txt(id, now, Ok(&answer))
            }
            TxtReply::Failed { word, ttl } => {
                lookup.txt(id, now, Err(words::txt_failure(word, *ttl)?))
            }
        };
        Ok(taken.map_err(|error| kebab(error.kind())))
    }

    fn https(&mut self, id: u32, now: u64, reply: &HttpsReply) -> Answer<Result<(), String>> {
        let (id, now) = (RequestId(id), UnixTime(now));
        let lookup = self.open()?;
        let taken = match reply.clone() {
            HttpsReply::Reply {
                status,
                content_type,
                body,
            } => lookup.https(
                id,
                now,
                Ok(&mtasts::HttpsReply {
                    status,
                    content_type,
                    body,
                }),
            ),
            HttpsReply::Failed { word } => lookup.https(id, now, Err(words::fetch_failure(&word)?)),
        };
        Ok(taken.map_err(|error| kebab(error.kind())))
    }

    fn outcome(&mut self) -> Answer<OutcomeFacts> {
        self.finished().map(outcome_facts)
    }

    fn stored(&mut self) -> Answer<String> {
        Ok(self.finished()?.stored().to_text())
    }

    fn verdict(&mut self, session: &SessionFacts) -> Answer<VerdictFacts> {
        let verdict = self.finished()?.verdict(&Session {
            mx_host: &session.mx_host,
            tls: words::tls(&session.tls, &session.certificate)?,
            dane: words::dane(&session.dane)?,
            mx_secure: session.mx_secure,
        });
        Ok(VerdictFacts {
            action: verdict.action.as_str().to_owned(),
            result: verdict.result.map(|result| result.as_str().to_owned()),
            cause: verdict.cause.map(|cause| cause.as_str().to_owned()),
        })
    }

    fn again(&mut self) -> Answer<()> {
        let lookup = self.finished()?.look_again(&self.config);
        self.lookup = Some(lookup);
        Ok(())
    }

    fn postfix(&mut self, dane: &str, version: &str, level: Option<&str>) -> Answer<PostfixFacts> {
        let unknown = |()| Stop::failed("there is no such Postfix");
        let style = Style {
            version: version.parse().map_err(unknown)?,
            level: level.map(str::parse).transpose().map_err(unknown)?,
        };
        let mut value = Vec::new();
        let dane = words::domain_dane(dane)?;
        let found = match postfix::policy(self.finished()?, dane, &style, &mut value) {
            Found::Policy => "policy",
            Found::NotFound => "not-found",
            Found::Temporary => "temporary",
        };
        let found = found.to_owned();
        Ok(PostfixFacts { found, value })
    }

    fn next_hop(&mut self, key: &str) -> Answer<Option<String>> {
        Ok(postfix::next_hop(key).map(str::to_owned))
    }

    fn netstrings(&mut self, input: &[u8], limit: u64) -> Answer<NetstringFacts> {
        let mut facts = NetstringFacts::default();
        let mut rest = input;
        loop {
            match netstring::parse(rest, limit as usize) {
                Ok(Some((payload, used))) => {
                    facts.payloads.push(payload.to_vec());
                    rest = &rest[used..];
                }
                ended => {
                    facts.refused = ended.err().map(kebab);
                    facts.rest = rest.len() as u64;
                    return Ok(facts);
                }
            }
        }
    }

    fn framed(&mut self, payload: &[u8]) -> Answer<Vec<u8>> {
        let mut out = Vec::new();
        netstring::frame(&mut out, |out| out.extend_from_slice(payload));
        Ok(out)
    }
}

impl Rust {
    fn open(&mut self) -> Answer<&mut Lookup> {
        self.lookup
            .as_mut()
            .ok_or_else(|| Stop::failed("there is no lookup"))
    }

    fn finished(&self) -> Answer<&Outcome> {
        self.outcome
            .as_ref()
            .ok_or_else(|| Stop::failed("there is no outcome"))
    }
}

fn joined(records: &[TxtRecord]) -> Vec<Vec<u8>> {
    records.iter().map(|strings| concat(strings)).collect()
}

fn read(text: &str) -> Answer<Arc<Stored>> {
    let stored: Result<Stored, Error> = text.parse();
    stored
        .map(Arc::new)
        .map_err(|error| Stop::failed(format!("stored text: {error}")))
}

fn refusal(kind: impl std::fmt::Debug, position: Position) -> Refusal {
    let (line, column) = (position.line as u64, position.column as u64);
    Refusal {
        kind: kebab(kind),
        line,
        column,
    }
}

/// A record is one line of ASCII as far as it is legal.
fn in_one_line(error: Error) -> Refusal {
    refusal(
        error.kind(),
        Position {
            line: 1,
            column: error.offset() + 1,
        },
    )
}

/// R-POL-5: a strict reading refuses exactly what a lenient one warns of, and where.
fn first_warning_is_strict_error(body: &[u8], legal: bool, warnings: &[Warning]) -> Answer<()> {
    let strict = Policy::parse_strict(body).err();
    match (strict, warnings.first()) {
        (None, None) => Ok(()),
        (Some(error), Some(warning)) => {
            let at = Position::of(body, error.offset());
            let place = (at.line as u64, at.column as u64);
            json::same(
                "place of the strict error",
                place,
                (warning.line, warning.column),
            )
        }
        (Some(_), None) if !legal => Ok(()),
        (strict, _) => Err(Stop::failed(format!("strict reading says {strict:?}"))),
    }
}

fn facts(policy: &Policy, warnings: Vec<Warning>) -> PolicyFacts {
    PolicyFacts {
        mode: policy.mode().as_str().to_owned(),
        max_age: policy.max_age().into(),
        mx: policy
            .mx()
            .map(|pattern| pattern.as_str().to_owned())
            .collect(),
        warnings,
    }
}

fn outcome_facts(outcome: &Outcome) -> OutcomeFacts {
    let reason = outcome.reason();
    let policy = outcome.policy().map(|policy| facts(policy, Vec::new()));
    let fetched = outcome.fetched();
    OutcomeFacts {
        basis: outcome.basis().as_str().to_owned(),
        reason: reason.map(|reason| reason.to_string()),
        result: outcome
            .result_type()
            .map(|result| result.as_str().to_owned()),
        mode: policy.as_ref().map(|policy| policy.mode.clone()),
        id: fetched.map(|fetched| fetched.id.to_string()),
        max_age: policy.as_ref().map(|policy| policy.max_age),
        fetched_at: fetched.map(|fetched| fetched.fetched_at.0),
        expires_at: outcome.expires_at().map(|time| time.0),
        changed: outcome.is_changed(),
        try_later: outcome.is_try_later(),
        mx: policy.map(|policy| policy.mx).unwrap_or_default(),
    }
}

fn config(settings: &[(String, u64)]) -> Answer<Config> {
    let mut config = Config::default();
    for (name, value) in settings {
        set(&mut config, name, *value).map_err(|_| Stop::failed(format!("{name} is too large")))?;
    }
    Ok(config)
}

fn set(config: &mut Config, name: &str, value: u64) -> Result<(), std::num::TryFromIntError> {
    match name {
        "defer_on_dns_failure" => config.defer_on_dns_failure = value != 0,
        "refresh_after" => config.refresh_after = value.try_into()?,
        "divert_percent" => config.divert_percent = value.try_into()?,
        "fetch_timeout_ms" => config.fetch_timeout_ms = value.try_into()?,
        "max_body" => config.max_body = value.try_into()?,
        "max_negative_ttl" => config.max_negative_ttl = value.try_into()?,
        "max_ttl" => config.ttl = *config.ttl.start()..=value.try_into()?,
        "min_ttl" => config.ttl = value.try_into()?..=*config.ttl.end(),
        "unknown_ttl" => config.unknown_ttl = value.try_into()?,
        _ => {} // the replay knows the names
    }
    Ok(())
}
