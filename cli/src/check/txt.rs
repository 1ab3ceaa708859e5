// SPDX-License-Identifier: MIT OR Apache-2.0

//! The two TXT records, as they are found (R-TXT-2, R-RPT-1).

use super::facts::{Presence, Record, Tlsrpt, Txt, shown};
use mtasts::{Error, ErrorKind, Position, TxtAnswer, TxtFailure, tlsrpt};

type Answer = Result<TxtAnswer, TxtFailure>;

/// The MTA-STS record.
pub fn record(name: String, cname: Vec<String>, answer: &Answer) -> Record {
    let records = records(answer);
    let selected = mtasts::Record::select(records);
    let id = selected.as_ref().ok().map(|record| record.id().to_owned());
    let txt = facts(name, cname, answer, selected.err(), b"v=sts");
    Record { txt, id }
}

/// The TLSRPT record.
pub fn tlsrpt(name: String, cname: Vec<String>, answer: &Answer) -> Tlsrpt {
    let selected = tlsrpt::Record::select(records(answer));
    let rua = selected.as_ref().map(|record| record.rua().to_vec());
    let rua = rua.unwrap_or_default().into_iter();
    let rua = rua.map(|uri| shown(uri.as_bytes())).collect();
    let txt = facts(name, cname, answer, selected.err(), b"v=tlsrpt");
    Tlsrpt { txt, rua }
}

fn records(answer: &Answer) -> &[Vec<u8>] {
    answer
        .as_ref()
        .map(|answer| &answer.records[..])
        .unwrap_or_default()
}

fn facts(
    name: String,
    cname: Vec<String>,
    answer: &Answer,
    error: Option<Error>,
    like: &[u8],
) -> Txt {
    let records = records(answer);
    let state = match (answer, error) {
        (Err(failure), _) => absence(*failure),
        (Ok(_), None) => Presence::Found,
        (Ok(_), Some(error)) => fault(error.kind(), records, like),
    };
    let error = error.filter(|_| state == Presence::Broken);
    let broken = records.iter().find(|record| is_like(record, like));
    let broken = broken.map(Vec::as_slice).unwrap_or_default();
    Txt {
        name,
        cname,
        state,
        records: records
            .iter()
            .take(MAX_RECORDS)
            .map(|record| shown(record))
            .collect(),
        error: error.map(|error| error.to_string()),
        column: error.map(|error| Position::of(broken, error.offset()).column),
    }
}

/// The most records that are shown.
const MAX_RECORDS: usize = 20;

fn absence(failure: TxtFailure) -> Presence {
    match failure {
        TxtFailure::NoRecords { .. } => Presence::None,
        TxtFailure::Permanent => Presence::Malformed,
        TxtFailure::Local | TxtFailure::Temporary => Presence::Unknown,
    }
}

/// A record that looks like what was meant is a broken one; any other is none of ours.
fn fault(kind: ErrorKind, records: &[Vec<u8>], like: &[u8]) -> Presence {
    match kind {
        ErrorKind::SeveralRecords => Presence::Several,
        ErrorKind::NoRecord | ErrorKind::RecordVersion
            if !records.iter().any(|record| is_like(record, like)) =>
        {
            Presence::None
        }
        _ => Presence::Broken,
    }
}

fn is_like(record: &[u8], like: &[u8]) -> bool {
    let start = record.trim_ascii_start().get(..like.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(like))
}

#[cfg(test)]
mod tests {
    use super::{Presence, record};
    use mtasts::TxtAnswer;

    fn seen(records: &[&str]) -> (Presence, Option<usize>) {
        let records = records
            .iter()
            .map(|record| record.as_bytes().to_vec())
            .collect();
        let answer = Ok(TxtAnswer { records, ttl: None });
        let seen = record("_mta-sts.a.example".to_owned(), Vec::new(), &answer);
        (seen.txt.state, seen.txt.column)
    }

    #[test]
    fn r_txt_3_a_record_that_was_meant_is_broken_and_any_other_is_none() {
        assert_eq!(seen(&["v=STSv1; id=1;"]), (Presence::Found, None));
        assert_eq!(seen(&["v=spf1 -all"]), (Presence::None, None));
        assert_eq!(seen(&["v=STSv1; id=a-b;"]), (Presence::Broken, Some(13)));
        assert_eq!(seen(&["v=stsv1; id=1;"]), (Presence::Broken, Some(1)));
        assert_eq!(seen(&["x", " v=STSv1; id=1;"]), (Presence::Broken, Some(1)));
        assert_eq!(
            seen(&["v=STSv1; id=1;", "v=STSv1; id=2;"]),
            (Presence::Several, None)
        );
    }
}
