// SPDX-License-Identifier: MIT OR Apache-2.0

//! Writes down what a surface says, so that surfaces can be compared where the vectors ask for less
//! than all: every warning and every rendered octet.

use crate::json::Stop;
use crate::surface::{
    Answer, HttpsReply, NetstringFacts, OutcomeFacts, PolicyFacts, PostfixFacts, Refusal,
    SessionFacts, Step, Store, Surface, TxtRecord, TxtReply, VerdictFacts,
};
use std::fmt::Debug;

/// The word of a kind that a surface does not say.
const UNSAID: &str = "*";

/// One answer: to which request, and the kinds of its refusal or warnings, which a surface may
/// leave unsaid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    request: &'static str,
    answer: String,
    kinds: Vec<String>,
}

impl Said {
    /// What it says, and what `other` says instead, if the two do not agree.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let kinds = self.kinds.iter().zip(&other.kinds);
        let mut differ = kinds.filter(|(a, b)| a != b && *a != UNSAID && *b != UNSAID);
        if self.request == other.request && self.answer == other.answer {
            let (a, b) = differ.next()?;
            return Some(format!("{}: kind {a}, or {b}", self.request));
        }
        Some(format!(
            "{}: {}\n    or {}: {}",
            self.request, self.answer, other.request, other.answer
        ))
    }
}

/// A surface, and what it has said.
pub struct Recorder<'a> {
    surface: &'a mut dyn Surface,
    pub said: Vec<Said>,
}

impl<'a> Recorder<'a> {
    pub fn new(surface: &'a mut dyn Surface) -> Self {
        let said = Vec::new();
        Self { surface, said }
    }

    /// What a surface cannot do says nothing.
    fn note<T: Debug>(&mut self, request: &'static str, answer: Answer<T>) -> Answer<T> {
        self.note_kinds(request, answer, |_| Vec::new())
    }

    fn note_kinds<T: Debug>(
        &mut self,
        request: &'static str,
        answer: Answer<T>,
        kinds: impl Fn(&T) -> Vec<&Refusal>,
    ) -> Answer<T> {
        if let Err(Stop::Skipped(_)) = &answer {
            return answer;
        }
        let found = answer.as_ref().map(kinds).unwrap_or_default();
        let kinds: Vec<String> = found.iter().map(|refusal| refusal.kind.clone()).collect();
        let mut text = format!("{answer:?}");
        for kind in &kinds {
            text = text.replacen(&format!("kind: {kind:?}"), "kind", 1);
        }
        self.said.push(Said {
            request,
            answer: text,
            kinds,
        });
        answer
    }
}

fn refusal<T>(answer: &Result<T, Refusal>) -> Vec<&Refusal> {
    answer.as_ref().err().into_iter().collect()
}

fn refusal_or_warnings(answer: &Result<PolicyFacts, Refusal>) -> Vec<&Refusal> {
    match answer {
        Ok(policy) => policy.warnings.iter().collect(),
        Err(refusal) => vec![refusal],
    }
}

impl Surface for Recorder<'_> {
    fn record(&mut self, records: &[TxtRecord]) -> Answer<Result<String, Refusal>> {
        let answer = self.surface.record(records);
        self.note_kinds("record", answer, refusal)
    }

    fn tlsrpt(&mut self, records: &[TxtRecord]) -> Answer<Result<Vec<String>, Refusal>> {
        let answer = self.surface.tlsrpt(records);
        self.note_kinds("tlsrpt", answer, refusal)
    }

    fn report(&mut self, json: &[u8]) -> Answer<Result<String, Refusal>> {
        let answer = self.surface.report(json);
        self.note_kinds("report", answer, refusal)
    }

    fn mail(&mut self, mail: &[u8]) -> Answer<bool> {
        let answer = self.surface.mail(mail);
        self.note("mail", answer)
    }

    fn fact(&mut self, what: &str, input: &str) -> Answer<String> {
        let answer = self.surface.fact(what, input);
        self.note("fact", answer)
    }

    fn policy(&mut self, body: &[u8]) -> Answer<Result<PolicyFacts, Refusal>> {
        let answer = self.surface.policy(body);
        self.note_kinds("policy", answer, refusal_or_warnings)
    }

    fn matches(&mut self, body: &[u8], mx_host: &str) -> Answer<bool> {
        let answer = self.surface.matches(body, mx_host);
        self.note("match", answer)
    }

    fn certificate(&mut self, der: &[u8], name: &str) -> Answer<bool> {
        let answer = self.surface.certificate(der, name);
        self.note("certificate", answer)
    }

    fn lookup(
        &mut self,
        domain: &str,
        store: Store<'_>,
        config: &[(String, u64)],
        now: u64,
    ) -> Answer<Result<(), String>> {
        let answer = self.surface.lookup(domain, store, config, now);
        self.note("lookup", answer)
    }

    /// Request numbers are each surface's own.
    fn poll(&mut self) -> Answer<Step> {
        let answer = self.surface.poll();
        let mut noted = answer.clone();
        if let Ok(Step::QueryTxt { id, .. } | Step::Fetch { id, .. }) = &mut noted {
            *id = 0;
        }
        self.note("poll", noted).and(answer)
    }

    fn txt(&mut self, id: u32, now: u64, reply: &TxtReply) -> Answer<Result<(), String>> {
        let answer = self.surface.txt(id, now, reply);
        self.note("txt", answer)
    }

    fn https(&mut self, id: u32, now: u64, reply: &HttpsReply) -> Answer<Result<(), String>> {
        let answer = self.surface.https(id, now, reply);
        self.note("https", answer)
    }

    fn outcome(&mut self) -> Answer<OutcomeFacts> {
        let answer = self.surface.outcome();
        self.note("outcome", answer)
    }

    fn stored(&mut self) -> Answer<String> {
        let answer = self.surface.stored();
        self.note("stored", answer)
    }

    fn verdict(&mut self, session: &SessionFacts) -> Answer<VerdictFacts> {
        let answer = self.surface.verdict(session);
        self.note("verdict", answer)
    }

    fn again(&mut self) -> Answer<()> {
        let answer = self.surface.again();
        self.note("again", answer)
    }

    fn postfix(&mut self, dane: &str, version: &str, level: Option<&str>) -> Answer<PostfixFacts> {
        let answer = self.surface.postfix(dane, version, level);
        self.note("postfix", answer)
    }

    fn next_hop(&mut self, key: &str) -> Answer<Option<String>> {
        let answer = self.surface.next_hop(key);
        self.note("next-hop", answer)
    }

    fn netstrings(&mut self, input: &[u8], limit: u64) -> Answer<NetstringFacts> {
        let answer = self.surface.netstrings(input, limit);
        self.note("netstrings", answer)
    }

    fn framed(&mut self, payload: &[u8]) -> Answer<Vec<u8>> {
        let answer = self.surface.framed(payload);
        self.note("framed", answer)
    }
}
