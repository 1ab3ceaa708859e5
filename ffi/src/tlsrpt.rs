// SPDX-License-Identifier: MIT OR Apache-2.0

//! TLSRPT (RFC 8460): the record that asks for reports, the names of results, and the datagram that
//! tells a collector what a session came to.

use crate::boundary::{Status, clear_out, entry, free, getting, hand_out, handle, reading};
use crate::outcome::mtasts_outcome;
use crate::policy::mtasts_problem;
use crate::sized::{self, Sized};
use crate::status::{MTASTS_E_ARGUMENT, MTASTS_E_RECORD, MTASTS_E_TOO_LARGE};
use crate::text::{
    Text, UNKNOWN, c_octets, c_text, mtasts_bytes, mtasts_str, octet_strings, static_name,
};
use crate::verdict::mtasts_session;
use mtasts::tlsrpt::{Details, MAX_DATAGRAM, Record};
use mtasts::{Outcome, ResultType};
use std::ffi::{c_char, c_void};
use std::net::IpAddr;
use std::ptr;
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

/// The octets that any datagram of `mtasts_tlsrpt_datagram` fits in.
pub const MTASTS_TLSRPT_DATAGRAM_SIZE: usize = 65_000;

const _: () = assert!(MTASTS_TLSRPT_DATAGRAM_SIZE == MAX_DATAGRAM);

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
    text: String,
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
            let record = Record::select(&records)
                .map_err(|error| mtasts_problem::tell_of_record(problem, error))?;
            let rua = record.rua().iter().map(|uri| Text::new(uri)).collect();
            hand_out(
                out,
                mtasts_tlsrpt_record {
                    poison: AtomicBool::new(false),
                    rua,
                    text: record.to_string(),
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

/// What a report says of a session beside its result (RFC 8460 section 4.4), as far as it is known.
/// Set every member to 0, then `size` and what is known. Strings may hold any octets; what is not
/// UTF-8 is replaced, and they are cut off after 500 characters.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_tlsrpt_details {
    /// `sizeof(mtasts_tlsrpt_details)`.
    pub size: usize,
    /// The address that the session came from: "192.0.2.1" or "2001:db8::1". May be NULL.
    pub sending_mta_ip: *const c_char,
    /// The address that it went to. May be NULL.
    pub receiving_ip: *const c_char,
    /// How the MX host called itself in its reply to EHLO. May be NULL.
    pub receiving_mx_helo: *const c_char,
    /// What failed, in the words of the TLS library for instance. NULL: `mtasts_cause_name`.
    pub failure_reason_code: *const c_char,
    /// A URI that leads to more. May be NULL.
    pub additional_information: *const c_char,
}

// SAFETY: pointers after the size.
unsafe impl Sized for mtasts_tlsrpt_details {
    const FIRST: usize = size_of::<Self>();
}

impl mtasts_tlsrpt_details {
    pub(crate) const EMPTY: Self = Self {
        size: size_of::<Self>(),
        sending_mta_ip: ptr::null(),
        receiving_ip: ptr::null(),
        receiving_mx_helo: ptr::null(),
        failure_reason_code: ptr::null(),
        additional_information: ptr::null(),
    };

    /// The engine's view.
    ///
    /// # Safety
    /// The members are NULL or C strings that nobody writes during `'a`.
    pub(crate) unsafe fn view<'a>(&self) -> Result<Details<'a>, i32> {
        // SAFETY: as the caller promises.
        unsafe {
            Ok(Details {
                sending_mta_ip: address(self.sending_mta_ip)?,
                receiving_ip: address(self.receiving_ip)?,
                receiving_mx_helo: c_octets(self.receiving_mx_helo),
                failure_reason_code: c_octets(self.failure_reason_code),
                additional_information: c_octets(self.additional_information),
            })
        }
    }
}

/// # Safety
/// `text` is NULL or a C string.
unsafe fn address(text: *const c_char) -> Result<Option<IpAddr>, i32> {
    // SAFETY: as the caller promises.
    let octets = unsafe { c_octets(text) };
    if octets.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(octets).ok();
    let address = text.and_then(|text| text.parse().ok());
    address.map(Some).ok_or(MTASTS_E_ARGUMENT)
}

/// Writes what a session came to, as libtlsrpt tells it to a collector such as tlsrpt-collectd of
/// tlsrpt-reporter: one datagram for its Unix socket, see `mtasts_default_host_tlsrpt_send`. Call it
/// once for a session, when no more comes to be known of its TLS, with the same `outcome` and
/// `session` as for the verdict; the mode "testing" makes no difference.
///
/// `record` is the one of the outcome's domain: a domain without one wants no reports. `details` may
/// be NULL. The datagram goes to `buffer`, which has room for `capacity` octets;
/// MTASTS_TLSRPT_DATAGRAM_SIZE always suffice. `*length` becomes its length, or 0 if there is
/// nothing to report: there was no session yet, the policy is of mode "none" or the operator's own,
/// or it is not known whether there is one.
///
/// Returns MTASTS_OK; MTASTS_E_TOO_LARGE if `buffer` is too small, and `*length` says what it needs,
/// or with `*length` 0 if the record is too large for any datagram; MTASTS_E_ARGUMENT for NULL or a
/// member that is none of its values; or MTASTS_E_SIZE. `*length` is 0 after other failures.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_tlsrpt_datagram(
    outcome: *const mtasts_outcome,
    session: *const mtasts_session,
    record: *const mtasts_tlsrpt_record,
    details: *const mtasts_tlsrpt_details,
    buffer: *mut c_void,
    capacity: usize,
    length: *mut usize,
) -> i32 {
    // SAFETY: the handles, the structs and the places are the caller's.
    unsafe {
        if let Some(length) = length.as_mut() {
            *length = 0;
        }
        reading(outcome, |outcome| {
            let length = length.as_mut().ok_or(MTASTS_E_ARGUMENT)?;
            let record = record.as_ref().ok_or(MTASTS_E_ARGUMENT)?;
            let session = sized::read(session, mtasts_session::EMPTY)?;
            let details = match details.is_null() {
                true => mtasts_tlsrpt_details::EMPTY,
                false => sized::read(details, mtasts_tlsrpt_details::EMPTY)?,
            };
            let outcome = &outcome.outcome;
            let datagram = datagram(outcome, &session, record, &details)?;
            *length = datagram.len();
            copy(&datagram, buffer, capacity)
        })
    }
}

/// The datagram, empty for nothing to report.
///
/// # Safety
/// The pointers in the structs are valid as the header wants them.
unsafe fn datagram(
    outcome: &Outcome,
    session: &mtasts_session,
    record: &mtasts_tlsrpt_record,
    details: &mtasts_tlsrpt_details,
) -> Result<Vec<u8>, i32> {
    // SAFETY: as the caller promises.
    let (session, details) = unsafe { (session.view()?, details.view()?) };
    let record = Record::parse(record.text.as_bytes()).map_err(|_| MTASTS_E_RECORD)?;
    let Some(result) = outcome.session_result(&session) else {
        return Ok(Vec::new());
    };
    result.datagram(&record, &details).ok_or(MTASTS_E_TOO_LARGE)
}

/// # Safety
/// `buffer` is NULL or `capacity` octets may be written there.
unsafe fn copy(datagram: &[u8], buffer: *mut c_void, capacity: usize) -> Status {
    if buffer.is_null() {
        return Err(MTASTS_E_ARGUMENT);
    }
    if datagram.len() > capacity {
        return Err(MTASTS_E_TOO_LARGE);
    }
    // SAFETY: as the caller promises, and there is room.
    unsafe { ptr::copy_nonoverlapping(datagram.as_ptr(), buffer.cast(), datagram.len()) };
    Ok(())
}
