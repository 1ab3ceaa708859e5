// SPDX-License-Identifier: MIT OR Apache-2.0

//! Words that stand for the same on both sides: enumerations, errors, answers.

use crate::exports::{lookups, policies, types};
use mtasts::record::concat;
use mtasts::{Error, ErrorKind, FetchFailure, HttpsReply, Position, TxtAnswer, TxtFailure};

/// Functions that give the value of the second type that has the name of a value of the first;
/// `_ => OTHER` for the names that only a later engine has.
macro_rules! same_names {
    ($($function:ident: $from:path => $to:path { $($name:ident),* $(; $other:ident)? })*) => {
        $(pub(crate) fn $function(word: $from) -> $to {
            use $from as From;
            use $to as To;
            match word {
                $(From::$name => To::$name,)*
                $(_ => To::$other,)?
            }
        })*
    };
}

same_names! {
    mode: mtasts::Mode => types::Mode { Enforce, Testing, None }
    error_kind: ErrorKind => types::ErrorKind {
        AddressLiteral, BodyTooLarge, ByteOrderMark, Certificate, CertificateHostMismatch, Field,
        FieldName, FieldValue, Finished, HostName, Id, LineTerminator, MaxAge, MaxAgeMissing, Mode,
        ModeMissing, MxMissing, NoRecord, RecordField, RecordIdMissing, RecordVersion, Rua,
        RuaMissing, SeveralRecords, StaleRequest, Stored, Utf8, Version, VersionMissing; Other
    }
    warning_kind: mtasts::WarningKind => policies::WarningKind {
        BlankLine, MaxAgeClamped, MxEmpty, MxIllegal, MxIpAddress, MxList, MxNotAscii,
        MxTrailingDot, MxUnderscore; Other
    }
    fetch_failure: types::FetchFailure => FetchFailure {
        BodyTooLarge, Connect, Dns, Local, Other, Timeout, WebPki
    }
    basis: mtasts::Basis => lookups::Basis { Cached, Fresh, Local; NoPolicy }
    action: mtasts::Action => lookups::Action { Deliver, Defer, Divert }
    certificate: types::CertificateStatus => mtasts::Certificate {
        Valid, Expired, HostMismatch, Invalid, NotTrusted
    }
    dane: lookups::Dane => mtasts::Dane {
        NotUsed, LookupFailed, Unusable, Usable, Passed, Failed
    }
}

#[cfg(feature = "chains")]
same_names! {
    certificate_status: mtasts::Certificate => types::CertificateStatus {
        Valid, Expired, HostMismatch, Invalid, NotTrusted
    }
}

pub(crate) fn result_type(word: mtasts::ResultType) -> types::ResultType {
    use mtasts::ResultType as From;
    use types::ResultType as To;
    match word {
        From::StartTlsNotSupported => To::StarttlsNotSupported,
        From::CertificateHostMismatch => To::CertificateHostMismatch,
        From::CertificateExpired => To::CertificateExpired,
        From::CertificateNotTrusted => To::CertificateNotTrusted,
        From::ValidationFailure => To::ValidationFailure,
        From::TlsaInvalid => To::TlsaInvalid,
        From::DnssecInvalid => To::DnssecInvalid,
        From::DaneRequired => To::DaneRequired,
        From::StsPolicyFetchError => To::StsPolicyFetchError,
        From::StsPolicyInvalid => To::StsPolicyInvalid,
        From::StsWebPkiInvalid => To::StsWebpkiInvalid,
    }
}

pub(crate) fn cause(word: mtasts::Cause) -> lookups::Cause {
    use lookups::Cause as To;
    use mtasts::Cause as From;
    match word {
        From::CertificateExpired => To::CertificateExpired,
        From::CertificateHostMismatch => To::CertificateHostMismatch,
        From::CertificateInvalid => To::CertificateInvalid,
        From::CertificateNotTrusted => To::CertificateNotTrusted,
        From::DaneFailed => To::DaneFailed,
        From::DaneLookupFailed => To::DaneLookupFailed,
        From::MxNotListed => To::MxNotListed,
        From::PolicyUnknown => To::PolicyUnknown,
        From::StartTlsNotSupported => To::StarttlsNotSupported,
        From::TlsFailed => To::TlsFailed,
        _ => To::Other,
    }
}

pub(crate) fn reason(word: mtasts::Reason) -> lookups::Reason {
    use lookups::Reason as To;
    use mtasts::Reason as From;
    match word {
        From::BodyTooLarge => To::BodyTooLarge,
        From::Connect => To::Connect,
        From::DnsPermanent => To::DnsPermanent,
        From::DnsTemporary => To::DnsTemporary,
        From::FetchLimit => To::FetchLimit,
        From::FetchOther => To::FetchOther,
        From::LocalFailure => To::LocalFailure,
        From::MediaType => To::MediaType,
        From::NoRecord => To::NoRecord,
        From::PolicyHostDns => To::PolicyHostDns,
        From::PolicyInvalid => To::PolicyInvalid,
        From::RecordInvalid => To::RecordInvalid,
        From::SeveralRecords => To::SeveralRecords,
        From::Status(status) => To::Status(status),
        From::StoreFailed => To::StoreFailed,
        From::Timeout => To::Timeout,
        From::WebPki => To::WebPki,
        _ => To::Other,
    }
}

pub(crate) fn tls(word: lookups::Tls) -> mtasts::Tls {
    use lookups::Tls as From;
    use mtasts::Tls as To;
    match word {
        From::NotTried => To::NotTried,
        From::NotOffered => To::NotOffered,
        From::Failed => To::Failed,
        From::Established(status) => To::Established(certificate(status)),
    }
}

#[cfg(feature = "reports")]
pub(crate) fn known_result(word: types::ResultType) -> mtasts::ResultType {
    let of_engine = mtasts::ResultType::ALL.iter().copied();
    let mut same = of_engine.filter(|&known| result_type(known) == word);
    same.next().unwrap_or(mtasts::ResultType::ValidationFailure) // never: each is in ALL
}

/// An error at a place of `text`.
pub(crate) fn error_in(text: &[u8], error: Error) -> types::Error {
    let place = Position::of(text, error.offset());
    types::Error {
        kind: error_kind(error.kind()),
        message: error.to_string(),
        offset: small(error.offset()),
        line: small(place.line),
        column: small(place.column),
    }
}

/// An error of something that has one line, and of which octets are characters.
pub(crate) fn error(error: Error) -> types::Error {
    types::Error {
        kind: error_kind(error.kind()),
        message: error.to_string(),
        offset: small(error.offset()),
        line: 1,
        column: small(error.offset()).saturating_add(1),
    }
}

/// A size of something that is in memory here, which has 32 bits.
pub(crate) fn small(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

pub(crate) fn txt(
    answer: Result<types::TxtAnswer, types::TxtFailure>,
) -> Result<TxtAnswer, TxtFailure> {
    match answer {
        Ok(answer) => Ok(TxtAnswer {
            records: joined(answer.records),
            ttl: answer.ttl,
        }),
        Err(types::TxtFailure::NoRecords(ttl)) => Err(TxtFailure::NoRecords { ttl }),
        Err(types::TxtFailure::Local) => Err(TxtFailure::Local),
        Err(types::TxtFailure::Permanent) => Err(TxtFailure::Permanent),
        Err(types::TxtFailure::Temporary) => Err(TxtFailure::Temporary),
    }
}

/// Each record as the one text that it is (RFC 8461 §3.1). One of a single string, as most are,
/// is not copied.
pub(crate) fn joined(records: Vec<types::TxtRecord>) -> Vec<Vec<u8>> {
    let join = |mut strings: types::TxtRecord| match strings.len() {
        1 => strings.pop().unwrap_or_default(),
        _ => concat(&strings),
    };
    records.into_iter().map(join).collect()
}

pub(crate) fn https(
    answer: Result<types::HttpsReply, types::FetchFailure>,
) -> Result<HttpsReply, FetchFailure> {
    match answer {
        Ok(reply) => Ok(HttpsReply {
            status: reply.status,
            content_type: reply.content_type,
            body: reply.body,
        }),
        Err(failure) => Err(fetch_failure(failure)),
    }
}
