// SPDX-License-Identifier: MIT OR Apache-2.0

//! A look-up with its outcome, in Rust and through C.

use super::{c, facts, policy_of, text_of, zero};
use crate::answers::{Clock, Https, START, Served, Txt, domain};
use crate::c_abi::memory::read;
use arbitrary::Arbitrary;
use mtasts::postfix::{self, Found, Style, Version};
use mtasts::tlsrpt::Details;
use mtasts::{
    Action, Basis, Certificate, Config, Dane, DomainDane, FetchFailure, HttpsReply, Lookup,
    Outcome, Policy, Session, Step, Stored, Tls, TxtAnswer, TxtFailure, UnixTime, tlsrpt,
};
use mtasts_ffi::answer::*;
use mtasts_ffi::config::mtasts_config;
use mtasts_ffi::lookup::*;
use mtasts_ffi::outcome::*;
use mtasts_ffi::postfix::*;
use mtasts_ffi::status::*;
use mtasts_ffi::text::mtasts_bytes;
use mtasts_ffi::tlsrpt::*;
use mtasts_ffi::verdict::*;
use std::ffi::CStr;
use std::ptr::{null, null_mut};
use std::sync::Arc;

#[derive(Arbitrary, Debug)]
pub struct Script {
    domain: u8,
    defers: bool,
    diverts: bool,
    max_body: Option<u16>,
    refresh_after: Option<u32>,
    stored: StoredAs,
    steps: Vec<(Clock, Txt, Https)>,
    mx_host: String,
    session: [u8; 4],
    style: [u8; 2],
}

#[derive(Arbitrary, Debug)]
enum StoredAs {
    Nothing,
    Failing,
    Local(Served),
    /// What the last step of a look-up with these answers left.
    After(Txt, Https),
    Text(String),
}

/// What the store has, as text or as a policy of the operator's own.
enum Entry {
    Nothing,
    Failing,
    Local(Vec<u8>),
    Text(String),
}

impl Script {
    fn config(&self) -> Config {
        let mut config = Config::default();
        config.defer_on_dns_failure = self.defers;
        config.divert_percent = if self.diverts { 100 } else { 0 };
        config.max_body = self
            .max_body
            .map_or(config.max_body, |octets| usize::from(octets).max(1));
        config.refresh_after = self.refresh_after.unwrap_or(config.refresh_after).max(1);
        config
    }

    fn c_config(&self) -> mtasts_config {
        let config = self.config();
        mtasts_config {
            defer_on_dns_failure: self.defers.into(),
            divert_percent: config.divert_percent.into(),
            refresh_after: config.refresh_after,
            max_body: config.max_body,
            ..zero()
        }
    }

    fn entry(&self) -> Entry {
        match &self.stored {
            StoredAs::Nothing => Entry::Nothing,
            StoredAs::Failing => Entry::Failing,
            StoredAs::Local(served) => Entry::Local(served.body()),
            StoredAs::Text(text) => Entry::Text(text.clone()),
            StoredAs::After(txt, https) => {
                let config = Config::default();
                let lookup = Lookup::new(domain(self.domain), None, &config, START);
                let steps = [(Clock::Stays, txt.clone(), https.clone())];
                let outcome = in_rust(lookup, START, &steps);
                outcome.map_or(Entry::Nothing, |outcome| {
                    Entry::Text(outcome.stored().to_text())
                })
            }
        }
    }
}

/// Does what the script says.
pub fn lookup(script: &Script) {
    let (config, entry) = (script.config(), script.entry());
    let policy_domain = domain(script.domain);
    let parsed = match &entry {
        Entry::Text(text) => text
            .parse::<Stored>()
            .map(|stored| Some(Arc::new(stored)))
            .map_err(|_| ()),
        Entry::Failing => Err(()),
        _ => Ok(None),
    };
    let lookup = match (&entry, parsed) {
        (Entry::Local(body), _) => {
            let policy = Policy::parse(body).expect("a legal policy");
            Lookup::local(policy_domain, Arc::new(policy), &config)
        }
        (_, Ok(stored)) => Lookup::new(policy_domain, stored, &config, START),
        (_, Err(())) => Lookup::without_store(policy_domain, &config, START),
    };
    let in_rust = in_rust(lookup, START, &script.steps);
    // SAFETY: what comes out is read, and freed.
    unsafe {
        let in_c = in_c(script, &entry);
        match &in_rust {
            Some(outcome) => compare(outcome, in_c, script),
            None => assert!(in_c.is_null()),
        }
        mtasts_outcome_free(in_c);
    }
}

/// The outcome, if there are enough answers.
fn in_rust(
    mut lookup: Lookup,
    mut now: UnixTime,
    steps: &[(Clock, Txt, Https)],
) -> Option<Outcome> {
    for (clock, txt, https) in steps.iter().take(4) {
        now = clock.after(now);
        let (txt, https) = (txt.give(), https.give());
        let _ = match lookup.poll() {
            Step::QueryTxt { id, .. } => lookup.txt(id, now, txt.as_ref().map_err(|f| *f)),
            Step::Fetch { id, .. } => lookup.https(id, now, https.as_ref().map_err(|f| *f)),
            Step::Done(_) => break,
        };
    }
    lookup.into_outcome()
}

/// # Safety
/// What comes out is to be freed.
unsafe fn in_c(script: &Script, entry: &Entry) -> *mut mtasts_outcome {
    let name = c(domain(script.domain).as_str()).expect("a name");
    let (mut lookup, mut outcome, mut now) = (null_mut(), null_mut(), START);
    // SAFETY: handles of ours, used in turn.
    unsafe {
        let made = mtasts_lookup_new(name.as_ptr(), &script.c_config(), &mut lookup);
        assert_eq!(made, MTASTS_OK);
        answer_step(lookup, now, |answer, _| load(answer, entry));
        for (clock, txt, https) in script.steps.iter().take(4) {
            now = clock.after(now);
            answer_step(lookup, now, |answer, kind| match kind {
                MTASTS_STEP_QUERY_TXT => fill_txt(answer, txt.give()),
                _ => fill_https(answer, https.give()),
            });
        }
        mtasts_lookup_outcome(lookup, &mut outcome);
        mtasts_lookup_free(lookup);
    }
    outcome
}

unsafe fn answer_step(
    lookup: *mut mtasts_lookup,
    now: UnixTime,
    fill: impl FnOnce(*mut mtasts_answer, i32),
) {
    let (mut step, mut answer) = (zero::<mtasts_step>(), null_mut());
    // SAFETY: as in the caller.
    unsafe {
        assert_eq!(mtasts_lookup_poll(lookup, &mut step), MTASTS_OK);
        if step.kind != MTASTS_STEP_DONE {
            mtasts_answer_new(&mut answer);
            fill(answer, step.kind);
            let taken = mtasts_lookup_submit(lookup, step.request_id, answer, now.0);
            assert_eq!(taken, MTASTS_OK);
            mtasts_answer_free(answer);
        }
    }
}

fn load(answer: *mut mtasts_answer, entry: &Entry) {
    // SAFETY: an answer and octets of ours.
    unsafe {
        match entry {
            Entry::Nothing => MTASTS_OK,
            Entry::Failing => mtasts_answer_fail(answer, MTASTS_STORE_FAILED),
            Entry::Text(text) => mtasts_answer_stored(answer, text.as_ptr().cast(), text.len()),
            Entry::Local(body) => {
                mtasts_answer_local_policy(answer, body.as_ptr().cast(), body.len(), null_mut())
            }
        };
    }
}

fn fill_txt(answer: *mut mtasts_answer, txt: Result<TxtAnswer, TxtFailure>) {
    // SAFETY: an answer and octets of ours.
    unsafe {
        let (fails, ttl) = match &txt {
            // An answer in C without a record is none; that there are none is said.
            Ok(TxtAnswer { records, ttl }) if records.is_empty() => (MTASTS_TXT_NO_RECORDS, *ttl),
            Ok(TxtAnswer { ttl, .. }) => (0, *ttl),
            Err(TxtFailure::NoRecords { ttl }) => (MTASTS_TXT_NO_RECORDS, *ttl),
            Err(TxtFailure::Local) => (MTASTS_LOCAL_FAILURE, None),
            Err(TxtFailure::Permanent) => (MTASTS_TXT_PERMANENT, None),
            Err(TxtFailure::Temporary) => (MTASTS_TXT_TEMPORARY, None),
        };
        for record in txt.iter().flat_map(|txt| &txt.records) {
            mtasts_answer_txt_record(answer, record.as_ptr().cast(), record.len());
        }
        if let Some(ttl) = ttl {
            mtasts_answer_ttl(answer, ttl);
        }
        if fails != 0 {
            mtasts_answer_fail(answer, fails);
        }
    }
}

fn fill_https(answer: *mut mtasts_answer, https: Result<HttpsReply, FetchFailure>) {
    // SAFETY: an answer and octets of ours.
    unsafe {
        match https {
            Ok(reply) => {
                mtasts_answer_http_status(answer, reply.status.into());
                if let Some(text) = &reply.content_type {
                    mtasts_answer_content_type(answer, text.as_ptr().cast(), text.len());
                }
                mtasts_answer_body(answer, reply.body.as_ptr().cast(), reply.body.len());
            }
            Err(failure) => {
                mtasts_answer_fail(answer, failure_number(failure));
            }
        }
    }
}

fn failure_number(failure: FetchFailure) -> i32 {
    match failure {
        FetchFailure::BodyTooLarge => MTASTS_FETCH_BODY_TOO_LARGE,
        FetchFailure::Connect => MTASTS_FETCH_CONNECT,
        FetchFailure::Dns => MTASTS_FETCH_DNS,
        FetchFailure::Local => MTASTS_LOCAL_FAILURE,
        FetchFailure::Other => MTASTS_FETCH_OTHER,
        FetchFailure::Timeout => MTASTS_FETCH_TIMEOUT,
        FetchFailure::WebPki => MTASTS_FETCH_WEBPKI,
    }
}

/// # Safety
/// `in_c` is an outcome.
unsafe fn compare(in_rust: &Outcome, in_c: *mut mtasts_outcome, script: &Script) {
    let mut facts_in_c = zero::<mtasts_outcome_facts>();
    // SAFETY: as the caller promises.
    unsafe {
        assert_eq!(mtasts_outcome_get(in_c, &mut facts_in_c), MTASTS_OK);
        assert_eq!(
            policy_of(mtasts_outcome_policy(in_c)),
            in_rust.policy().map(facts)
        );
        assert_eq!(
            read(mtasts_outcome_stored(in_c)),
            Some(in_rust.stored().to_text().into())
        );
        assert_eq!(
            read(mtasts_outcome_explanation(in_c)),
            Some(in_rust.explanation().into())
        );
        assert_eq!(
            read(mtasts_outcome_domain(in_c)),
            Some(in_rust.domain().as_str().into())
        );
    }
    let basis = match in_rust.basis() {
        Basis::NoPolicy => MTASTS_BASIS_NO_POLICY,
        Basis::Cached => MTASTS_BASIS_CACHED,
        Basis::Fresh => MTASTS_BASIS_FRESH,
        Basis::Local => MTASTS_BASIS_LOCAL,
        _ => -1,
    };
    assert_eq!(facts_in_c.basis, basis);
    assert_eq!(facts_in_c.try_later == 1, in_rust.is_try_later());
    assert_eq!(facts_in_c.changed == 1, in_rust.is_changed());
    assert_eq!(
        facts_in_c.expires_at,
        in_rust.expires_at().map_or(0, |time| time.0)
    );
    assert_eq!(facts_in_c.useless_after, in_rust.stored().useless_after().0);
    // SAFETY: as the caller promises.
    unsafe {
        compare_sessions(in_rust, in_c, script);
        compare_postfix(in_rust, in_c, script);
    }
}

unsafe fn compare_sessions(in_rust: &Outcome, in_c: *const mtasts_outcome, script: &Script) {
    let Some(mx_host) = c(&script.mx_host) else {
        return;
    };
    let [tls, certificate, dane, mx_secure] = script.session.map(i32::from);
    let in_c_session = mtasts_session {
        mx_host: mx_host.as_ptr(),
        tls: tls % 4,
        certificate: certificate % 5 + 1,
        dane: dane % 6,
        mx_secure: mx_secure % 2,
        ..zero()
    };
    let session = session(script);
    let mut verdict = zero::<mtasts_verdict>();
    // SAFETY: as in the caller.
    unsafe {
        assert_eq!(
            mtasts_outcome_verdict(in_c, &in_c_session, &mut verdict),
            MTASTS_OK
        );
    }
    let expected = in_rust.verdict(&session);
    let action = match expected.action {
        Action::Defer => MTASTS_ACTION_DEFER,
        Action::Deliver => MTASTS_ACTION_DELIVER,
        Action::Divert => MTASTS_ACTION_DIVERT,
    };
    assert_eq!(verdict.action, action);
    // SAFETY: static strings.
    let words = unsafe {
        [
            mtasts_cause_name(verdict.cause),
            mtasts_result_name(verdict.result),
        ]
        .map(|word| CStr::from_ptr(word).to_str().expect("UTF-8"))
    };
    let expected = [
        expected.cause.map_or("none", |cause| cause.as_str()),
        expected.result.map_or("none", |result| result.as_str()),
    ];
    assert_eq!(words, expected);
    // SAFETY: as in the caller.
    unsafe { compare_datagrams(in_rust, &session, in_c, &in_c_session) }
}

fn session(script: &Script) -> Session<'_> {
    let certificates = [
        Certificate::Valid,
        Certificate::Expired,
        Certificate::HostMismatch,
        Certificate::Invalid,
        Certificate::NotTrusted,
    ];
    let danes = [
        Dane::NotUsed,
        Dane::LookupFailed,
        Dane::Unusable,
        Dane::Usable,
        Dane::Passed,
        Dane::Failed,
    ];
    let [tls, certificate, dane, mx_secure] = script.session.map(usize::from);
    let tls_states = [
        Tls::NotTried,
        Tls::NotOffered,
        Tls::Failed,
        Tls::Established(certificates[certificate % 5]),
    ];
    Session {
        mx_host: &script.mx_host,
        tls: tls_states[tls % 4],
        dane: danes[dane % 6],
        mx_secure: mx_secure % 2 == 1,
    }
}

unsafe fn compare_datagrams(
    in_rust: &Outcome,
    session: &Session<'_>,
    in_c: *const mtasts_outcome,
    in_c_session: &mtasts_session,
) {
    const RECORD: &[u8] = b"v=TLSRPTv1;rua=mailto:r@example.com";
    let bytes = mtasts_bytes {
        data: RECORD.as_ptr().cast(),
        len: RECORD.len(),
    };
    let (mut record, mut length) = (null_mut(), 0);
    let mut buffer = vec![0_u8; MTASTS_TLSRPT_DATAGRAM_SIZE];
    let (data, size) = (buffer.as_mut_ptr().cast(), buffer.len());
    // SAFETY: as in the caller, and places of ours.
    unsafe {
        assert_eq!(
            mtasts_tlsrpt_record_select(&bytes, 1, &mut record, null_mut()),
            MTASTS_OK
        );
        let details = null();
        let status =
            mtasts_tlsrpt_datagram(in_c, in_c_session, record, details, data, size, &mut length);
        assert_eq!(status, MTASTS_OK);
        mtasts_tlsrpt_record_free(record);
    }
    let record = tlsrpt::Record::parse(RECORD).expect("a legal record");
    let result = in_rust.session_result(session);
    let expected = result.and_then(|result| result.datagram(&record, &Details::default()));
    assert_eq!(buffer[..length], expected.unwrap_or_default());
}

unsafe fn compare_postfix(in_rust: &Outcome, in_c: *const mtasts_outcome, script: &Script) {
    let [dane, version] = script.style.map(i32::from);
    let in_c_style = mtasts_postfix_style {
        dane: dane % 3,
        version: version % 3,
        level: version / 3 % 3,
        ..zero()
    };
    let (mut found, mut length) = (-1, 0);
    let mut buffer = vec![0; MTASTS_POSTFIX_VALUE_SIZE];
    let (data, size) = (buffer.as_mut_ptr(), buffer.len());
    // SAFETY: as in the caller, and places of ours.
    let status =
        unsafe { mtasts_postfix_policy(in_c, &in_c_style, &mut found, data, size, &mut length) };
    assert_eq!(status, MTASTS_OK);
    let levels = [
        None,
        Some(postfix::Level::May),
        Some(postfix::Level::Encrypt),
    ];
    let style = Style {
        version: [Version::V3_0, Version::V3_4, Version::V3_10][in_c_style.version as usize],
        level: levels[in_c_style.level as usize],
    };
    let danes = [DomainDane::Temporary, DomainDane::None, DomainDane::Usable];
    let mut value = Vec::new();
    let expected = postfix::policy(in_rust, danes[in_c_style.dane as usize], &style, &mut value);
    let expected = match expected {
        Found::Temporary => MTASTS_POSTFIX_TEMPORARY,
        Found::Policy => MTASTS_POSTFIX_POLICY,
        Found::NotFound => MTASTS_POSTFIX_NOT_FOUND,
    };
    assert_eq!(found, expected);
    assert_eq!(text_of(&buffer).into_bytes(), value);
}
