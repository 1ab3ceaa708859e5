// SPDX-License-Identifier: MIT OR Apache-2.0

//! The policy as it is served, with what is wrong or tolerated in it at line and column (R-POL-5).

use super::facts::{Fault, Policy, Remark, shown};
use mtasts::{
    Error, FetchFailure, HttpsReply, MAX_BODY, Outcome, Position, Reason, Warning, reply,
};

/// What there is to say of the reply of a Policy Host.
pub fn facts(reply: &Result<HttpsReply, FetchFailure>, outcome: &Outcome) -> Policy {
    let reply = match reply {
        Ok(reply) => reply,
        Err(failure) => return without(Reason::from(*failure), None),
    };
    let text = (reply.status == 200).then_some(&reply.body);
    match reply::accept(reply, MAX_BODY) {
        Err((reason, None)) => without(reason, text.map(Vec::as_slice)),
        Err((reason, Some(error))) => Policy {
            error: Some(remark(&reply.body, &error)),
            warnings: warnings(&reply.body),
            ..without(reason, text.map(Vec::as_slice))
        },
        Ok(policy) => Policy {
            reason: None,
            mode: Some(policy.mode()),
            max_age: Some(policy.max_age()),
            mx: policy.mx().map(|mx| mx.as_str().to_owned()).collect(),
            warnings: warnings(&reply.body),
            error: None,
            text: Some(policy.text().to_owned()),
            in_force: outcome.policy().is_some(),
        },
    }
}

fn without(reason: Reason, body: Option<&[u8]>) -> Policy {
    Policy {
        reason: Some(reason.to_string()),
        text: body.map(|body| String::from_utf8_lossy(body).into_owned()),
        ..Policy::default()
    }
}

fn warnings(body: &[u8]) -> Vec<Remark> {
    let mut warnings = Vec::new();
    // What is wrong is told elsewhere.
    let _ = mtasts::Policy::parse_with(body, |warning: Warning| {
        if warnings.len() < MAX_WARNINGS {
            let fault = Fault::Warning(warning.kind);
            warnings.push(at(body, warning.position, fault, warning.kind.as_str()));
        }
        Ok(())
    });
    warnings
}

/// A hostile policy has thousands.
const MAX_WARNINGS: usize = 20;

fn remark(body: &[u8], error: &Error) -> Remark {
    let position = Position::of(body, error.offset());
    at(
        body,
        position,
        Fault::Error(error.kind()),
        &error.to_string(),
    )
}

fn at(body: &[u8], position: Position, kind: Fault, message: &str) -> Remark {
    let Position { line, column } = position;
    let text = body
        .split(|&b| b == b'\n')
        .nth(line - 1)
        .unwrap_or_default();
    Remark {
        line,
        column,
        message: message.to_owned(),
        text: shown(text.trim_ascii_end()),
        kind,
    }
}
