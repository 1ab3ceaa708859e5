// SPDX-License-Identifier: MIT OR Apache-2.0

//! Domains that share an MX host are judged each by its own policy (RFC 8461 §3.4, §5).

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

use mtasts::*;

struct TwoDomains;

impl Host for TwoDomains {
    fn now(&mut self) -> UnixTime {
        UnixTime(1_767_225_600)
    }

    fn txt(&mut self, _name: &str) -> Result<TxtAnswer, TxtFailure> {
        Ok(TxtAnswer {
            records: vec![b"v=STSv1; id=a".to_vec()],
            ttl: None,
        })
    }

    fn https(&mut self, fetch: &Fetch<'_>) -> Result<HttpsReply, FetchFailure> {
        let mode = if fetch.host == "mta-sts.strict.example" {
            "enforce"
        } else {
            "testing"
        };
        let body = format!("version: STSv1\nmode: {mode}\nmx: mx.shared.example\nmax_age: 86400\n");
        let content_type = Some("text/plain".into());
        Ok(HttpsReply {
            status: 200,
            content_type,
            body: body.into_bytes(),
        })
    }
}

/// R-APPLY-5, R-FLOW-9: what one domain's verdict allows on a connection, another's need not.
#[test]
fn r_apply_5_one_session_two_domains_two_verdicts() {
    let session = Session {
        mx_host: "mx.shared.example",
        tls: Tls::Established(Certificate::HostMismatch),
        dane: Dane::NotUsed,
        mx_secure: false,
    };
    let action = |domain: &str| {
        let outcome = resolve(domain.parse().unwrap(), &Config::default(), &mut TwoDomains);
        outcome.verdict(&session).action
    };
    assert_eq!(action("strict.example"), Action::Defer);
    assert_eq!(action("lenient.example"), Action::Deliver);
}
