// SPDX-License-Identifier: MIT OR Apache-2.0

//! Sessions and the verdicts on them (RFC 8461 sections 4 and 5).

use crate::sized::Sized;
use crate::status::{MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN};
use crate::text::{UNKNOWN, c_text, name, static_name};
use mtasts::{Action, Cause, Certificate, Dane, Session, Tls, Verdict};
use std::ffi::c_char;

/// Not yet connected: the verdict says whether the host is worth a try.
pub const MTASTS_TLS_NOT_TRIED: i32 = 0;
/// The server offers no STARTTLS, or refused it.
pub const MTASTS_TLS_NOT_OFFERED: i32 = 1;
/// STARTTLS began and no session of TLS 1.2 or later came of it.
pub const MTASTS_TLS_FAILED: i32 = 2;
/// TLS stands.
pub const MTASTS_TLS_ESTABLISHED: i32 = 3;

/// The certificate has not been checked, which counts as one that is no good.
pub const MTASTS_CERTIFICATE_UNCHECKED: i32 = 0;
/// Chains to a trusted root, is in time, and is valid for the name in the MX record.
pub const MTASTS_CERTIFICATE_VALID: i32 = 1;
/// Not valid now.
pub const MTASTS_CERTIFICATE_EXPIRED: i32 = 2;
/// Valid for other names.
pub const MTASTS_CERTIFICATE_HOST_MISMATCH: i32 = 3;
/// Unreadable, none shown, or not for servers.
pub const MTASTS_CERTIFICATE_INVALID: i32 = 4;
/// No chain to a trusted root.
pub const MTASTS_CERTIFICATE_NOT_TRUSTED: i32 = 5;

/// The sender does no DANE, or the MX host has no secure TLSA records.
pub const MTASTS_DANE_NOT_USED: i32 = 0;
/// The TLSA records could not be looked up: SERVFAIL, bogus, time-out.
pub const MTASTS_DANE_LOOKUP_FAILED: i32 = 1;
/// Secure TLSA records, none of which can be used.
pub const MTASTS_DANE_UNUSABLE: i32 = 2;
/// Usable TLSA records; TLS has not been tried.
pub const MTASTS_DANE_USABLE: i32 = 3;
/// Usable TLSA records, and the certificate matches one.
pub const MTASTS_DANE_PASSED: i32 = 4;
/// Usable TLSA records, and the certificate matches none.
pub const MTASTS_DANE_FAILED: i32 = 5;

/// Not to this host, and never in the clear: on to the next MX host in the usual order. When none
/// is left: a transient failure.
pub const MTASTS_ACTION_DEFER: i32 = 0;
/// Go on: connect, or send.
pub const MTASTS_ACTION_DELIVER: i32 = 1;
/// Not to this host; a configured fallback route, a policy domain of its own, may take the mail.
pub const MTASTS_ACTION_DIVERT: i32 = 2;

/// Nothing is wrong.
pub const MTASTS_CAUSE_NONE: i32 = 0;
/// The certificate is not valid now.
pub const MTASTS_CAUSE_CERTIFICATE_EXPIRED: i32 = 1;
/// The certificate is for another name.
pub const MTASTS_CAUSE_CERTIFICATE_HOST_MISMATCH: i32 = 2;
/// The certificate is no good in some other way.
pub const MTASTS_CAUSE_CERTIFICATE_INVALID: i32 = 3;
/// The certificate has no chain to a trusted root.
pub const MTASTS_CAUSE_CERTIFICATE_NOT_TRUSTED: i32 = 4;
/// The certificate matches no TLSA record.
pub const MTASTS_CAUSE_DANE_FAILED: i32 = 5;
/// The TLSA records could not be looked up.
pub const MTASTS_CAUSE_DANE_LOOKUP_FAILED: i32 = 6;
/// The policy does not list the host.
pub const MTASTS_CAUSE_MX_NOT_LISTED: i32 = 7;
/// It is not known whether there is a policy.
pub const MTASTS_CAUSE_POLICY_UNKNOWN: i32 = 8;
/// The host offers no STARTTLS.
pub const MTASTS_CAUSE_STARTTLS_NOT_SUPPORTED: i32 = 9;
/// STARTTLS began and failed.
pub const MTASTS_CAUSE_TLS_FAILED: i32 = 10;

/// What is known of the session with one MX host. Set every member to 0, then `size` and what is
/// known.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_session {
    /// `sizeof(mtasts_session)`.
    pub size: usize,
    /// The name in the MX record or, without MX records, the domain itself. For a null MX
    /// (RFC 7505) give ".": no policy lists it, so that a forged one does not have the mail of a
    /// protected domain returned.
    pub mx_host: *const c_char,
    /// One of MTASTS_TLS_*.
    pub tls: i32,
    /// One of MTASTS_CERTIFICATE_*; looked at if TLS is established.
    pub certificate: i32,
    /// One of MTASTS_DANE_*.
    pub dane: i32,
    /// 1 if the MX records (or, without any, the addresses) were DNSSEC-secure, else 0.
    pub mx_secure: i32,
}

// SAFETY: numbers and a pointer after the size.
unsafe impl Sized for mtasts_session {
    const FIRST: usize = size_of::<Self>();
}

/// A verdict on one session, for one domain: a connection that is reused for another domain needs
/// its own. Give it with `size` set.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_verdict {
    /// `sizeof(mtasts_verdict)`.
    pub size: usize,
    /// One of MTASTS_ACTION_*.
    pub action: i32,
    /// What to report, one of MTASTS_RESULT_*; set in mode "testing" too, where mail is delivered
    /// all the same.
    pub result: i32,
    /// What is wrong, one of MTASTS_CAUSE_*; MTASTS_CAUSE_NONE where nothing is, or the call
    /// failed.
    pub cause: i32,
}

// SAFETY: numbers after the size.
unsafe impl Sized for mtasts_verdict {
    const FIRST: usize = size_of::<Self>();
}

impl mtasts_session {
    pub(crate) const EMPTY: Self = Self {
        size: size_of::<Self>(),
        mx_host: std::ptr::null(),
        tls: 0,
        certificate: 0,
        dane: 0,
        mx_secure: 0,
    };

    /// The engine's view.
    ///
    /// # Safety
    /// `mx_host` is NULL or a C string that nobody writes during `'a`.
    pub(crate) unsafe fn view<'a>(&self) -> Result<Session<'a>, i32> {
        // SAFETY: as the caller promises.
        let mx_host = match unsafe { name(self.mx_host) } {
            Err(MTASTS_E_DOMAIN) => "", // no host name: matches nothing
            host => host?,
        };
        let certificate = self.certificate()?;
        let tls = match self.tls {
            MTASTS_TLS_NOT_TRIED => Tls::NotTried,
            MTASTS_TLS_NOT_OFFERED => Tls::NotOffered,
            MTASTS_TLS_FAILED => Tls::Failed,
            MTASTS_TLS_ESTABLISHED => Tls::Established(certificate),
            _ => return Err(MTASTS_E_ARGUMENT),
        };
        let mx_secure = match self.mx_secure {
            0 => false,
            1 => true,
            _ => return Err(MTASTS_E_ARGUMENT),
        };
        Ok(Session {
            mx_host,
            tls,
            dane: self.dane()?,
            mx_secure,
        })
    }

    fn certificate(&self) -> Result<Certificate, i32> {
        Ok(match self.certificate {
            MTASTS_CERTIFICATE_UNCHECKED | MTASTS_CERTIFICATE_INVALID => Certificate::Invalid,
            MTASTS_CERTIFICATE_VALID => Certificate::Valid,
            MTASTS_CERTIFICATE_EXPIRED => Certificate::Expired,
            MTASTS_CERTIFICATE_HOST_MISMATCH => Certificate::HostMismatch,
            MTASTS_CERTIFICATE_NOT_TRUSTED => Certificate::NotTrusted,
            _ => return Err(MTASTS_E_ARGUMENT),
        })
    }

    fn dane(&self) -> Result<Dane, i32> {
        Ok(match self.dane {
            MTASTS_DANE_NOT_USED => Dane::NotUsed,
            MTASTS_DANE_LOOKUP_FAILED => Dane::LookupFailed,
            MTASTS_DANE_UNUSABLE => Dane::Unusable,
            MTASTS_DANE_USABLE => Dane::Usable,
            MTASTS_DANE_PASSED => Dane::Passed,
            MTASTS_DANE_FAILED => Dane::Failed,
            _ => return Err(MTASTS_E_ARGUMENT),
        })
    }
}

impl mtasts_verdict {
    pub(crate) fn of(verdict: Verdict) -> Self {
        let action = match verdict.action {
            Action::Defer => MTASTS_ACTION_DEFER,
            Action::Deliver => MTASTS_ACTION_DELIVER,
            Action::Divert => MTASTS_ACTION_DIVERT,
        };
        let result = crate::tlsrpt::number(verdict.result);
        let cause = verdict.cause.map_or(MTASTS_CAUSE_NONE, cause_number);
        Self {
            size: size_of::<Self>(),
            action,
            result,
            cause,
        }
    }
}

fn cause_number(cause: Cause) -> i32 {
    match cause {
        Cause::CertificateExpired => MTASTS_CAUSE_CERTIFICATE_EXPIRED,
        Cause::CertificateHostMismatch => MTASTS_CAUSE_CERTIFICATE_HOST_MISMATCH,
        Cause::CertificateNotTrusted => MTASTS_CAUSE_CERTIFICATE_NOT_TRUSTED,
        Cause::DaneFailed => MTASTS_CAUSE_DANE_FAILED,
        Cause::DaneLookupFailed => MTASTS_CAUSE_DANE_LOOKUP_FAILED,
        Cause::MxNotListed => MTASTS_CAUSE_MX_NOT_LISTED,
        Cause::PolicyUnknown => MTASTS_CAUSE_POLICY_UNKNOWN,
        Cause::StartTlsNotSupported => MTASTS_CAUSE_STARTTLS_NOT_SUPPORTED,
        Cause::TlsFailed => MTASTS_CAUSE_TLS_FAILED,
        _ => MTASTS_CAUSE_CERTIFICATE_INVALID,
    }
}

/// A text of each cause, by the engine's method.
macro_rules! cause_text {
    ($number:expr, $method:ident) => {
        match $number {
            MTASTS_CAUSE_NONE => c"none",
            MTASTS_CAUSE_CERTIFICATE_EXPIRED => c_text!(Cause::CertificateExpired.$method()),
            MTASTS_CAUSE_CERTIFICATE_HOST_MISMATCH => {
                c_text!(Cause::CertificateHostMismatch.$method())
            }
            MTASTS_CAUSE_CERTIFICATE_INVALID => c_text!(Cause::CertificateInvalid.$method()),
            MTASTS_CAUSE_CERTIFICATE_NOT_TRUSTED => c_text!(Cause::CertificateNotTrusted.$method()),
            MTASTS_CAUSE_DANE_FAILED => c_text!(Cause::DaneFailed.$method()),
            MTASTS_CAUSE_DANE_LOOKUP_FAILED => c_text!(Cause::DaneLookupFailed.$method()),
            MTASTS_CAUSE_MX_NOT_LISTED => c_text!(Cause::MxNotListed.$method()),
            MTASTS_CAUSE_POLICY_UNKNOWN => c_text!(Cause::PolicyUnknown.$method()),
            MTASTS_CAUSE_STARTTLS_NOT_SUPPORTED => c_text!(Cause::StartTlsNotSupported.$method()),
            MTASTS_CAUSE_TLS_FAILED => c_text!(Cause::TlsFailed.$method()),
            _ => UNKNOWN,
        }
    };
}

/// The word of a cause, fit for the `failure-reason-code` of a report; "unknown" for numbers that
/// are none. Static, thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn mtasts_cause_name(cause: i32) -> *const c_char {
    static_name(|| cause_text!(cause, as_str))
}

/// A line about a cause, for a person. Static, thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn mtasts_cause_text(cause: i32) -> *const c_char {
    static_name(|| cause_text!(cause, describe))
}

/// A word for a certificate's state: "valid", "expired", "host-mismatch", "invalid",
/// "not-trusted", "unchecked"; "unknown" for other numbers. Static, thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn mtasts_certificate_name(certificate: i32) -> *const c_char {
    static_name(|| match certificate {
        MTASTS_CERTIFICATE_UNCHECKED => c"unchecked",
        MTASTS_CERTIFICATE_VALID => c"valid",
        MTASTS_CERTIFICATE_EXPIRED => c"expired",
        MTASTS_CERTIFICATE_HOST_MISMATCH => c"host-mismatch",
        MTASTS_CERTIFICATE_INVALID => c"invalid",
        MTASTS_CERTIFICATE_NOT_TRUSTED => c"not-trusted",
        _ => UNKNOWN,
    })
}

/// The word of an action: "defer", "deliver", "divert"; "unknown" for numbers that are none.
/// Static, thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn mtasts_action_name(action: i32) -> *const c_char {
    static_name(|| match action {
        MTASTS_ACTION_DEFER => c_text!(Action::Defer.as_str()),
        MTASTS_ACTION_DELIVER => c_text!(Action::Deliver.as_str()),
        MTASTS_ACTION_DIVERT => c_text!(Action::Divert.as_str()),
        _ => UNKNOWN,
    })
}
