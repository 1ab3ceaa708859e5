// SPDX-License-Identifier: MIT OR Apache-2.0

//! What parsers read: records, policies, replies, stored entries. Nothing panics; an error has a
//! place; what is accepted means what it says.

use arbitrary::{Arbitrary, Unstructured};
use mtasts::{
    Error, HttpsReply, MAX_BODY, Mode, Policy, PolicyDomain, PolicyId, Position, Reason, Record,
    Stored, UnixTime, reply,
};

/// An error's place is in the text, and can be told as line and column.
fn check(error: Error, text: &[u8]) {
    assert!(error.offset() <= text.len(), "{error:?}");
    let Position { line, column } = Position::of(text, error.offset());
    assert!(line >= 1 && column >= 1);
    assert!(!error.to_string().is_empty());
}

/// TXT records of `_mta-sts.`, one a line.
pub fn record(data: &[u8]) {
    let records: Vec<&[u8]> = data.split(|b| *b == b'\n').collect();
    for text in &records {
        match Record::parse(text) {
            Err(error) => check(error, text),
            Ok(record) => {
                let id = record.id();
                assert!((1..=32).contains(&id.len()));
                assert!(id.bytes().all(|b| b.is_ascii_alphanumeric()), "{id:?}");
                let parsed: Result<PolicyId, _> = id.parse();
                assert_eq!(parsed, record.policy_id());
            }
        }
    }
    // R-TXT-2: others do not count, and of two that do neither does.
    let is_candidate = |text: &&&[u8]| records.len() == 1 || text.starts_with(b"v=STSv1;");
    let candidates: Vec<_> = records.iter().filter(is_candidate).collect();
    let selected = Record::select(&records).map(|record| record.id());
    match candidates[..] {
        [one] => assert_eq!(selected, Record::parse(one).map(|record| record.id())),
        _ => assert!(selected.is_err()),
    }
}

/// TXT records of `_smtp._tls.`, one a line.
pub fn tlsrpt_record(data: &[u8]) {
    use mtasts::tlsrpt::Record;
    let records: Vec<&[u8]> = data.split(|b| *b == b'\n').collect();
    for text in &records {
        match Record::parse(text) {
            Err(error) => check(error, text),
            Ok(record) => {
                let is_known = |uri: &&str| uri.contains(':') && uri.is_ascii();
                assert!(!record.rua().is_empty() && record.rua().iter().all(is_known));
                let written = record.to_string();
                let again = Record::parse(written.as_bytes());
                assert_eq!(again.as_ref(), Ok(&record), "{written}");
            }
        }
    }
    let _ = Record::select(&records);
}

/// A policy's body.
pub fn policy(body: &[u8]) {
    let mut warnings = 0;
    let parsed = Policy::parse_with(body, |warning| {
        warnings += 1;
        assert_eq!(warning.position, Position::of(body, warning.offset));
        Ok(())
    });
    assert_eq!(parsed, Policy::parse(body));
    let is_strict = Policy::parse_strict(body).is_ok();
    assert_eq!(is_strict, parsed.is_ok() && warnings == 0);
    match parsed {
        Err(error) => check(error, body),
        Ok(policy) => check_policy(&policy, body),
    }
}

fn check_policy(policy: &Policy, body: &[u8]) {
    assert!(body.len() <= MAX_BODY);
    assert_eq!(policy.text().as_bytes(), body);
    assert!(policy.max_age() <= mtasts::policy::MAX_MAX_AGE);
    assert!(policy.mx().len() > 0 || policy.mode() == Mode::None);
    for pattern in policy.mx().take(64) {
        let mx = pattern.as_str();
        assert!(mx.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()));
        let alone = format!("version: STSv1\nmode: testing\nmax_age: 1\nmx: {mx}\n");
        assert!(Policy::parse_strict(alone.as_bytes()).is_ok(), "{mx}");
        let host = mx.replacen('*', "a", 1);
        let is_host = host.len() <= 253; // no host is below a name of 252 octets
        assert_eq!(pattern.matches(&host), is_host, "{mx}");
        assert_eq!(policy.matches(&host), is_host, "{mx}");
    }
}

/// A pattern, and after a line's end a host: against R-MX-1 in other words.
pub fn mx_match(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (pattern, host) = text.split_once('\n').unwrap_or((&text, ""));
    let body = format!("version: STSv1\nmode: enforce\nmax_age: 1\nmx: {pattern}\n");
    let Ok(policy) = Policy::parse(body.as_bytes()) else {
        return;
    };
    let Some(pattern) = policy.mx().next() else {
        return;
    };
    let expected = labels(host).is_some_and(|host| match pattern.as_str().strip_prefix("*.") {
        None => Some(host) == labels(pattern.as_str()),
        Some(parent) => labels(parent).as_deref() == host.get(1..),
    });
    assert_eq!(pattern.matches(host), expected, "{pattern:?} {host:?}");
    assert_eq!(policy.matches(host), expected, "{pattern:?} {host:?}");
}

/// The labels of a host name in lower case; `None` for what is none.
fn labels(name: &str) -> Option<Vec<String>> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_legal = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_address = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
    let is_name = name.len() <= 253
        && name.split('.').all(is_legal)
        && !name.rsplit('.').next().is_some_and(is_address);
    is_name.then(|| name.split('.').map(str::to_ascii_lowercase).collect())
}

#[derive(Arbitrary, Debug)]
struct Reply {
    status: Status,
    max_body: MaxBody,
    content_type: Option<ContentType>,
    body: Vec<u8>,
}

#[derive(Arbitrary, Debug)]
enum Status {
    Ok,
    Other(u16),
}

#[derive(Arbitrary, Debug)]
enum MaxBody {
    Default,
    Octets(u16),
}

#[derive(Arbitrary, Debug)]
enum ContentType {
    Plain,
    WithParameters(String),
    Any(String),
}

/// Whether a reply gives a policy, against R-GET-2, R-GET-3 and R-POL-7 in other words.
pub fn https_reply(data: &[u8]) {
    let Ok(given) = Reply::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    let content_type = given.content_type.map(|content_type| match content_type {
        ContentType::Plain => "text/plain".to_owned(),
        ContentType::WithParameters(parameters) => format!("Text/Plain;{parameters}"),
        ContentType::Any(text) => text,
    });
    let max_body = match given.max_body {
        MaxBody::Default => MAX_BODY,
        MaxBody::Octets(octets) => octets.into(),
    };
    let reply = HttpsReply {
        status: match given.status {
            Status::Ok => 200,
            Status::Other(status) => status,
        },
        content_type,
        body: given.body,
    };
    let expected = match &reply {
        HttpsReply { status, .. } if *status != 200 => Err(Reason::Status(*status)),
        HttpsReply { content_type, .. } if !is_plain(content_type.as_deref()) => {
            Err(Reason::MediaType)
        }
        HttpsReply { body, .. } if body.len() > max_body => Err(Reason::BodyTooLarge),
        HttpsReply { body, .. } => Policy::parse(body).map_err(|_| Reason::PolicyInvalid),
    };
    let accepted = reply::accept(&reply, max_body);
    assert_eq!(accepted.map_err(|(reason, _)| reason), expected);
}

/// R-GET-3: what comes before the first `;` is text/plain, and no `,` outside of quotes is anywhere.
fn is_plain(content_type: Option<&str>) -> bool {
    let Some(text) = content_type else {
        return false;
    };
    let mut is_quoted = false;
    for c in text.chars() {
        is_quoted ^= c == '"';
        if c == ',' && !is_quoted {
            return false;
        }
    }
    let media_type: String = text.chars().take_while(|c| *c != ';').collect();
    let media_type = media_type.trim_matches(|c| c == ' ' || c == '\t');
    media_type.eq_ignore_ascii_case("text/plain")
}

/// An entry of the store.
pub fn stored(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(stored) = text.parse::<Stored>() else {
        return;
    };
    let again: Result<Stored, _> = stored.to_text().parse();
    assert_eq!(again.as_ref(), Ok(&stored));
    let domain: Result<PolicyDomain, _> = stored.domain.as_str().parse();
    assert_eq!(domain.as_ref(), Ok(&stored.domain));
    let useless_after = stored.useless_after();
    for now in times(&stored) {
        if let Some(policy) = stored.usable(now) {
            assert!(policy.policy.max_age() > 0);
            assert!(now <= policy.expires_at() && now <= useless_after);
        }
    }
}

/// Those at which something changes, and their neighbours.
fn times(stored: &Stored) -> impl Iterator<Item = UnixTime> {
    let policy = stored.policy.as_ref();
    let ends = policy.map(|policy| [policy.fetched_at.0, policy.expires_at().0]);
    let ends = ends.unwrap_or_default().into_iter();
    let near = |at: u64| [at.saturating_sub(1), at, at.saturating_add(1)];
    ends.chain([0, u64::MAX]).flat_map(near).map(UnixTime)
}
