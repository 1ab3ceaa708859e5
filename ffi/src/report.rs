// SPDX-License-Identifier: MIT OR Apache-2.0

//! TLS reports (RFC 8460 section 4.4), as one organisation sends them to another once a day
//! (R-RPT-2, R-RPT-3).

use crate::boundary::{clear_out, entry, free, getting, hand_out, handle, reading};
use crate::policy::mtasts_problem;
use crate::sized::{self, Sized};
use crate::status::{self, MTASTS_E_ARGUMENT, MTASTS_E_TOO_LARGE};
use crate::text::{Text, UNKNOWN, c_text, copy, empty, mtasts_str, name, octets, static_name};
use crate::tlsrpt::number;
use mtasts::PolicyDomain;
use mtasts::tlsrpt::PolicyType;
use mtasts::tlsrpt::report::{FailureDetails, Format, MAX_REPORT, PolicyReport, Report};
use std::ffi::{c_char, c_void};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

/// A type that RFC 8460 does not have.
pub const MTASTS_POLICY_TYPE_OTHER: i32 = 0;
/// tlsa: DANE.
pub const MTASTS_POLICY_TYPE_TLSA: i32 = 1;
/// sts: MTA-STS.
pub const MTASTS_POLICY_TYPE_STS: i32 = 2;
/// no-policy-found: neither.
pub const MTASTS_POLICY_TYPE_NO_POLICY_FOUND: i32 = 3;

/// The report as it is, of media type application/tlsrpt+json.
pub const MTASTS_REPORT_JSON: i32 = 0;
/// Compressed by gzip, of media type application/tlsrpt+gzip, which is preferred.
pub const MTASTS_REPORT_GZIP: i32 = 1;

/// The octets of JSON that a report may have.
pub const MTASTS_REPORT_SIZE: usize = 33_554_432;

const _: () = assert!(MTASTS_REPORT_SIZE == MAX_REPORT);

/// A TLS report on one day's sessions with one domain: read by `mtasts_report_parse`, or made by an
/// `mtasts_report_counter`. Immutable: any thread may read it. Its strings are as the sender wrote
/// them, who may be anybody: they may hold NULs and control characters; escape them before they
/// are shown. All are UTF-8.
pub struct mtasts_report {
    poison: AtomicBool,
    /// Behind each text there is a NUL.
    report: Report,
    domain: Option<Text>,
    json: OnceLock<Text>,
}

handle!(mtasts_report);

/// What a report says of itself. Give it with `size` set.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_report_facts {
    /// `sizeof(mtasts_report_facts)`.
    pub size: usize,
    /// Who sends the report. Empty where it does not say.
    pub organization_name: mtasts_str,
    /// How to reach the sender. Empty where it does not say.
    pub contact_info: mtasts_str,
    /// The sender's name for this report.
    pub report_id: mtasts_str,
    /// The first second that it is about, since 1970 (UTC).
    pub begin: u64,
    /// The last one.
    pub end: u64,
    /// How many policies there are.
    pub policy_count: usize,
    /// The domain whose TLSRPT record says where the report goes; none for one that was read.
    pub domain: mtasts_str,
}

// SAFETY: numbers and strings after the size.
unsafe impl Sized for mtasts_report_facts {
    const FIRST: usize = size_of::<Self>();
}

/// What was counted against one policy of a report. Give it with `size` set.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_report_policy_facts {
    /// `sizeof(mtasts_report_policy_facts)`.
    pub size: usize,
    /// The type as the sender wrote it.
    pub type_name: mtasts_str,
    /// The domain of the policy; of DANE the TLSA base domain.
    pub domain: mtasts_str,
    /// Sessions with TLS as the policy wants it.
    pub successful_sessions: u64,
    /// The others, whether mail was sent in them or not.
    pub failed_sessions: u64,
    /// How many lines or TLSA records of the policy there are: `mtasts_report_policy_string`.
    pub string_count: usize,
    /// How many MX patterns there are: `mtasts_report_mx_host`.
    pub mx_host_count: usize,
    /// How many kinds of failure there are: `mtasts_report_failure`.
    pub failure_count: usize,
    /// The type, one of MTASTS_POLICY_TYPE_*.
    pub policy_type: i32,
}

// SAFETY: numbers and strings after the size.
unsafe impl Sized for mtasts_report_policy_facts {
    const FIRST: usize = size_of::<Self>();
}

/// Failures that are alike. There is no string where the report does not say. Give it with `size`
/// set.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_report_failure_facts {
    /// `sizeof(mtasts_report_failure_facts)`.
    pub size: usize,
    /// How many sessions failed so.
    pub failed_sessions: u64,
    /// The result type as the sender wrote it.
    pub result_type: mtasts_str,
    /// The address that the sessions came from.
    pub sending_mta_ip: mtasts_str,
    /// The MX host, by its record's name.
    pub receiving_mx_hostname: mtasts_str,
    /// How the MX host called itself.
    pub receiving_mx_helo: mtasts_str,
    /// The address that they went to.
    pub receiving_ip: mtasts_str,
    /// A URI that leads to more.
    pub additional_information: mtasts_str,
    /// What exactly failed, in the sender's own words.
    pub failure_reason_code: mtasts_str,
    /// The result type, one of MTASTS_RESULT_*; MTASTS_RESULT_NONE for one that RFC 8460 does not
    /// have.
    pub result: i32,
}

// SAFETY: numbers and strings after the size.
unsafe impl Sized for mtasts_report_failure_facts {
    const FIRST: usize = size_of::<Self>();
}

/// Reads the `len` octets of a report's JSON; whoever has it in gzip unpacks it before, no further
/// than MTASTS_REPORT_SIZE. What is read is copied, and takes some twenty times as much memory at
/// most. `problem` may be NULL; its `message` may quote the report, in ASCII, and its `line` and
/// `column` are 0 where the report as a whole is meant. On success `*out` is to be freed by
/// `mtasts_report_free`.
///
/// Members that the schema does not know are passed over, types that it does not know are kept as
/// strings, and what senders are known to leave out may be missing.
///
/// Returns MTASTS_OK, MTASTS_E_REPORT, MTASTS_E_TOO_LARGE, MTASTS_E_ARGUMENT or MTASTS_E_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_report_parse(
    json: *const c_void,
    len: usize,
    out: *mut *mut mtasts_report,
    problem: *mut mtasts_problem,
) -> i32 {
    entry(|| {
        // SAFETY: pointers are the caller's for this call.
        unsafe {
            clear_out(out);
            let json = octets(json, len)?;
            if json.len() > MTASTS_REPORT_SIZE {
                return Err(MTASTS_E_TOO_LARGE);
            }
            let report = Report::parse(json)
                .map_err(|error| mtasts_problem::tell_of_report(problem, json, &error))?;
            hand_out(out, mtasts_report::new(report, None))
        }
    })
}

/// Frees a report; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_report_free(report: *mut mtasts_report) {
    // SAFETY: the caller gives up the handle.
    unsafe { free(report) }
}

/// Writes what the report says of itself to `out`.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT or MTASTS_E_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_report_get(
    report: *const mtasts_report,
    out: *mut mtasts_report_facts,
) -> i32 {
    // SAFETY: the handle and `out` are the caller's.
    unsafe { reading(report, |report| sized::write(out, &report.facts())) }
}

/// Writes what was counted against the policy number `policy`, from 0, to `out`.
///
/// Returns MTASTS_OK; MTASTS_E_ARGUMENT for NULL and past the end; or MTASTS_E_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_report_policy(
    report: *const mtasts_report,
    policy: usize,
    out: *mut mtasts_report_policy_facts,
) -> i32 {
    // SAFETY: the handle and `out` are the caller's.
    unsafe {
        reading(report, |report| {
            let policy = report.policy(policy).ok_or(MTASTS_E_ARGUMENT)?;
            sized::write(out, &policy_facts(policy))
        })
    }
}

/// The line of MTA-STS or TLSA record number `index`, from 0, of the policy number `policy`. No
/// string past the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_report_policy_string(
    report: *const mtasts_report,
    policy: usize,
    index: usize,
) -> mtasts_str {
    let pick = |report: &mtasts_report| {
        let text = report.policy(policy)?.policy.policy_string.get(index);
        text.map(|text| lend(text))
    };
    // SAFETY: the handle is the caller's.
    unsafe { getting(report, None, pick) }.unwrap_or(mtasts_str::NONE)
}

/// The pattern of MX hosts number `index`, from 0, of the policy number `policy`. No string past
/// the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_report_mx_host(
    report: *const mtasts_report,
    policy: usize,
    index: usize,
) -> mtasts_str {
    let pick = |report: &mtasts_report| {
        let text = report.policy(policy)?.policy.mx_host.get(index);
        text.map(|text| lend(text))
    };
    // SAFETY: the handle is the caller's.
    unsafe { getting(report, None, pick) }.unwrap_or(mtasts_str::NONE)
}

/// Writes the failures number `index`, from 0, of the policy number `policy` to `out`.
///
/// Returns MTASTS_OK; MTASTS_E_ARGUMENT for NULL and past the end; or MTASTS_E_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_report_failure(
    report: *const mtasts_report,
    policy: usize,
    index: usize,
    out: *mut mtasts_report_failure_facts,
) -> i32 {
    // SAFETY: the handle and `out` are the caller's.
    unsafe {
        reading(report, |report| {
            let policy = report.policy(policy).ok_or(MTASTS_E_ARGUMENT)?;
            let details = policy.failure_details.get(index).ok_or(MTASTS_E_ARGUMENT)?;
            sized::write(out, &failure_facts(details))
        })
    }
}

/// The report as JSON in one line, to be sent as MTASTS_REPORT_JSON or, compressed, as
/// MTASTS_REPORT_GZIP. Made when it is first asked for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_report_json(report: *const mtasts_report) -> mtasts_str {
    let pick = |report: &mtasts_report| {
        let text = || Text::new(&report.plain().to_json());
        report.json.get_or_init(text).lend()
    };
    // SAFETY: the handle is the caller's.
    unsafe { getting(report, mtasts_str::NONE, pick) }
}

/// The name of the report's file (RFC 8460 section 5.1), such as
/// "sender.example!example.com!1767225600!1767311999.json.gz", and a NUL go to `buffer`, which has
/// room for `capacity` octets; 600 suffice without `unique`. `submitter` is the sender's domain,
/// `domain` the one that the report is about. `unique` tells apart those that otherwise have the
/// same name: letters and digits, or NULL. `format` is one of MTASTS_REPORT_JSON and _GZIP.
///
/// Returns MTASTS_OK, MTASTS_E_DOMAIN, MTASTS_E_ADDRESS_LITERAL, MTASTS_E_TOO_LARGE or
/// MTASTS_E_ARGUMENT. The string in `buffer` is empty after a failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_report_file_name(
    report: *const mtasts_report,
    submitter: *const c_char,
    domain: *const c_char,
    unique: *const c_char,
    format: i32,
    buffer: *mut c_char,
    capacity: usize,
) -> i32 {
    // SAFETY: the handle and the strings are the caller's.
    unsafe {
        empty(buffer, capacity);
        reading(report, |report| {
            let format = match format {
                MTASTS_REPORT_JSON => Format::Json,
                MTASTS_REPORT_GZIP => Format::Gzip,
                _ => return Err(MTASTS_E_ARGUMENT),
            };
            let unique = match unique.is_null() {
                true => None,
                false => Some(name(unique).map_err(|_| MTASTS_E_ARGUMENT)?),
            };
            let (submitter, domain) = (domain_of(submitter)?, domain_of(domain)?);
            let name = report.report.file_name(&submitter, &domain, unique, format);
            let name = name.map_err(|_| MTASTS_E_ARGUMENT)?;
            copy(name.as_bytes(), buffer, capacity)
        })
    }
}

/// The name of a policy type by RFC 8460 section 4.4; "unknown" for numbers that are none. Static,
/// thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn mtasts_policy_type_name(policy_type: i32) -> *const c_char {
    static_name(|| match policy_type {
        MTASTS_POLICY_TYPE_TLSA => c_text!(PolicyType::Tlsa.as_str()),
        MTASTS_POLICY_TYPE_STS => c_text!(PolicyType::Sts.as_str()),
        MTASTS_POLICY_TYPE_NO_POLICY_FOUND => c_text!(PolicyType::NoPolicyFound.as_str()),
        _ => UNKNOWN,
    })
}

/// The caller's name of a domain.
///
/// # Safety
/// As for [`name`].
pub(crate) unsafe fn domain_of(domain: *const c_char) -> Result<PolicyDomain, i32> {
    // SAFETY: as the caller promises.
    let domain = unsafe { name(domain) }?;
    domain.parse().map_err(status::of)
}

impl mtasts_report {
    pub(crate) fn new(mut report: Report, domain: Option<&PolicyDomain>) -> Self {
        each_text(&mut report, |text| text.push('\0'));
        Self {
            poison: AtomicBool::new(false),
            report,
            domain: domain.map(|domain| Text::new(domain.as_str())),
            json: OnceLock::new(),
        }
    }

    /// The report without the NULs.
    pub(crate) fn plain(&self) -> Report {
        let mut report = self.report.clone();
        each_text(&mut report, |text| {
            text.pop();
        });
        report
    }

    fn policy(&self, index: usize) -> Option<&PolicyReport> {
        self.report.policies.get(index)
    }

    fn facts(&self) -> mtasts_report_facts {
        mtasts_report_facts {
            size: size_of::<mtasts_report_facts>(),
            organization_name: lend(&self.report.organization_name),
            contact_info: lend(&self.report.contact_info),
            report_id: lend(&self.report.report_id),
            begin: self.report.date_range.start.0,
            end: self.report.date_range.end.0,
            policy_count: self.report.policies.len(),
            domain: self.domain.as_ref().map_or(mtasts_str::NONE, Text::lend),
        }
    }
}

fn policy_facts(of: &PolicyReport) -> mtasts_report_policy_facts {
    let policy = &of.policy;
    mtasts_report_policy_facts {
        size: size_of::<mtasts_report_policy_facts>(),
        type_name: lend(&policy.policy_type),
        domain: lend(&policy.policy_domain),
        successful_sessions: of.summary.total_successful_session_count,
        failed_sessions: of.summary.total_failure_session_count,
        string_count: policy.policy_string.len(),
        mx_host_count: policy.mx_host.len(),
        failure_count: of.failure_details.len(),
        policy_type: match policy.policy_type.as_str() {
            "tlsa\0" => MTASTS_POLICY_TYPE_TLSA,
            "sts\0" => MTASTS_POLICY_TYPE_STS,
            "no-policy-found\0" => MTASTS_POLICY_TYPE_NO_POLICY_FOUND,
            _ => MTASTS_POLICY_TYPE_OTHER,
        },
    }
}

fn failure_facts(of: &FailureDetails) -> mtasts_report_failure_facts {
    let maybe = |text: &Option<String>| text.as_deref().map_or(mtasts_str::NONE, lend);
    let result_type = of.result_type.strip_suffix('\0').unwrap_or_default();
    mtasts_report_failure_facts {
        size: size_of::<mtasts_report_failure_facts>(),
        failed_sessions: of.failed_session_count,
        result_type: lend(&of.result_type),
        sending_mta_ip: maybe(&of.sending_mta_ip),
        receiving_mx_hostname: maybe(&of.receiving_mx_hostname),
        receiving_mx_helo: maybe(&of.receiving_mx_helo),
        receiving_ip: maybe(&of.receiving_ip),
        additional_information: maybe(&of.additional_information),
        failure_reason_code: maybe(&of.failure_reason_code),
        result: number(result_type.parse().ok()),
    }
}

/// A text with a NUL behind it.
fn lend(text: &str) -> mtasts_str {
    mtasts_str {
        data: text.as_ptr().cast(),
        len: text.len().saturating_sub(1),
    }
}

fn each_text(report: &mut Report, change: fn(&mut String)) {
    change(&mut report.organization_name);
    change(&mut report.contact_info);
    change(&mut report.report_id);
    for PolicyReport {
        policy,
        failure_details,
        ..
    } in &mut report.policies
    {
        change(&mut policy.policy_type);
        change(&mut policy.policy_domain);
        let lists = policy.policy_string.iter_mut().chain(&mut policy.mx_host);
        lists.for_each(change);
        for details in failure_details {
            change(&mut details.result_type);
            optional_texts(details)
                .into_iter()
                .flatten()
                .for_each(change);
        }
    }
}

fn optional_texts(details: &mut FailureDetails) -> [&mut Option<String>; 6] {
    [
        &mut details.sending_mta_ip,
        &mut details.receiving_mx_hostname,
        &mut details.receiving_mx_helo,
        &mut details.receiving_ip,
        &mut details.additional_information,
        &mut details.failure_reason_code,
    ]
}
