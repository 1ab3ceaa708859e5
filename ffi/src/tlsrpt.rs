// SPDX-License-Identifier: MIT OR Apache-2.0

//! TLSRPT (RFC 8460): the record that asks for reports, and the names of results.

use crate::boundary::{clear_out, entry, free, getting, hand_out, handle};
use crate::policy::mtasts_problem;
use crate::text::{Text, UNKNOWN, c_text, mtasts_bytes, mtasts_str, octet_strings, static_name};
use mtasts::ResultType;
use mtasts::tlsrpt::Record;
use std::ffi::c_char;
use std::sync::atomic::AtomicBool;

/// Nothing to report: success, or no policy to report against.
pub const MTASTS_RESULT_NONE: i32 = 0;
/// starttls-not-supported
pub const MTASTS_RESULT_STARTTLS_NOT_SUPPORTED: i32 = 1;
/// certificate-host-mismatch
pub const MTASTS_RESULT_CERTIFICATE_HOST_MISMATCH: i32 = 2;
/// certificate-expired
pub const MTASTS_RESULT_CERTIFICATE_EXPIRED: i32 = 3;
/// certificate-not-trusted
pub const MTASTS_RESULT_CERTIFICATE_NOT_TRUSTED: i32 = 4;
/// validation-failure; `mtasts_cause_name` gives the reason code.
pub const MTASTS_RESULT_VALIDATION_FAILURE: i32 = 5;
/// tlsa-invalid
pub const MTASTS_RESULT_TLSA_INVALID: i32 = 6;
/// dnssec-invalid
pub const MTASTS_RESULT_DNSSEC_INVALID: i32 = 7;
/// dane-required
pub const MTASTS_RESULT_DANE_REQUIRED: i32 = 8;
/// sts-policy-fetch-error
pub const MTASTS_RESULT_STS_POLICY_FETCH_ERROR: i32 = 9;
/// sts-policy-invalid
pub const MTASTS_RESULT_STS_POLICY_INVALID: i32 = 10;
/// sts-webpki-invalid
pub const MTASTS_RESULT_STS_WEBPKI_INVALID: i32 = 11;

/// The name of a result type by RFC 8460 section 4.3; "none" for MTASTS_RESULT_NONE, "unknown"
/// for numbers that are none.
/// Static, thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn mtasts_result_name(result: i32) -> *const c_char {
    use ResultType as R;
    static_name(|| match result {
        MTASTS_RESULT_NONE => c"none",
        MTASTS_RESULT_STARTTLS_NOT_SUPPORTED => c_text!(R::StartTlsNotSupported.as_str()),
        MTASTS_RESULT_CERTIFICATE_HOST_MISMATCH => c_text!(R::CertificateHostMismatch.as_str()),
        MTASTS_RESULT_CERTIFICATE_EXPIRED => c_text!(R::CertificateExpired.as_str()),
        MTASTS_RESULT_CERTIFICATE_NOT_TRUSTED => c_text!(R::CertificateNotTrusted.as_str()),
        MTASTS_RESULT_VALIDATION_FAILURE => c_text!(R::ValidationFailure.as_str()),
        MTASTS_RESULT_TLSA_INVALID => c_text!(R::TlsaInvalid.as_str()),
        MTASTS_RESULT_DNSSEC_INVALID => c_text!(R::DnssecInvalid.as_str()),
        MTASTS_RESULT_DANE_REQUIRED => c_text!(R::DaneRequired.as_str()),
        MTASTS_RESULT_STS_POLICY_FETCH_ERROR => c_text!(R::StsPolicyFetchError.as_str()),
        MTASTS_RESULT_STS_POLICY_INVALID => c_text!(R::StsPolicyInvalid.as_str()),
        MTASTS_RESULT_STS_WEBPKI_INVALID => c_text!(R::StsWebPkiInvalid.as_str()),
        _ => UNKNOWN,
    })
}

/// The number of a result type; 0 for none.
pub(crate) fn number(result: Option<ResultType>) -> i32 {
    match result {
        None => MTASTS_RESULT_NONE,
        Some(ResultType::StartTlsNotSupported) => MTASTS_RESULT_STARTTLS_NOT_SUPPORTED,
        Some(ResultType::CertificateHostMismatch) => MTASTS_RESULT_CERTIFICATE_HOST_MISMATCH,
        Some(ResultType::CertificateExpired) => MTASTS_RESULT_CERTIFICATE_EXPIRED,
        Some(ResultType::CertificateNotTrusted) => MTASTS_RESULT_CERTIFICATE_NOT_TRUSTED,
        Some(ResultType::ValidationFailure) => MTASTS_RESULT_VALIDATION_FAILURE,
        Some(ResultType::TlsaInvalid) => MTASTS_RESULT_TLSA_INVALID,
        Some(ResultType::DnssecInvalid) => MTASTS_RESULT_DNSSEC_INVALID,
        Some(ResultType::DaneRequired) => MTASTS_RESULT_DANE_REQUIRED,
        Some(ResultType::StsPolicyFetchError) => MTASTS_RESULT_STS_POLICY_FETCH_ERROR,
        Some(ResultType::StsPolicyInvalid) => MTASTS_RESULT_STS_POLICY_INVALID,
        Some(ResultType::StsWebPkiInvalid) => MTASTS_RESULT_STS_WEBPKI_INVALID,
    }
}

/// A TLSRPT record: where reports about a domain go. Immutable: any thread may read it.
pub struct mtasts_tlsrpt_record {
    poison: AtomicBool,
    rua: Vec<Text>,
}

handle!(mtasts_tlsrpt_record);

/// Picks the one legal record among `count` TXT records of `_smtp._tls.<domain>`, each with its
/// strings concatenated. The octets are copied. `problem` may be NULL. On success `*out` is to be
/// freed by `mtasts_tlsrpt_record_free`.
///
/// Returns MTASTS_OK, MTASTS_E_RECORD, MTASTS_E_ARGUMENT or MTASTS_E_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_tlsrpt_record_select(
    records: *const mtasts_bytes,
    count: usize,
    out: *mut *mut mtasts_tlsrpt_record,
    problem: *mut mtasts_problem,
) -> i32 {
    entry(|| {
        // SAFETY: pointers are the caller's for this call.
        unsafe {
            clear_out(out);
            let records = octet_strings(records, count)?;
            let record = Record::select(&records).map_err(|error| {
                let only = if let [only] = records[..] { only } else { &[] };
                mtasts_problem::tell(problem, only, error)
            })?;
            let rua = record.rua().iter().map(|uri| Text::new(uri)).collect();
            hand_out(
                out,
                mtasts_tlsrpt_record {
                    poison: AtomicBool::new(false),
                    rua,
                },
            )
        }
    })
}

/// Frees a record; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_tlsrpt_record_free(record: *mut mtasts_tlsrpt_record) {
    // SAFETY: the caller gives up the handle.
    unsafe { free(record) }
}

/// The number of `mailto:` and `https:` URIs; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_tlsrpt_record_rua_count(
    record: *const mtasts_tlsrpt_record,
) -> usize {
    // SAFETY: the handle is the caller's.
    unsafe { getting(record, 0, |record| record.rua.len()) }
}

/// The URI number `index`, from 0, in the record's order. No string past the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_tlsrpt_record_rua(
    record: *const mtasts_tlsrpt_record,
    index: usize,
) -> mtasts_str {
    let pick =
        |record: &mtasts_tlsrpt_record| record.rua.get(index).map_or(mtasts_str::NONE, Text::lend);
    // SAFETY: the handle is the caller's.
    unsafe { getting(record, mtasts_str::NONE, pick) }
}
