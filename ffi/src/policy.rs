// SPDX-License-Identifier: MIT OR Apache-2.0

//! Policies (RFC 8461 section 3.2).

use crate::boundary::{clear_out, entry, free, getting, hand_out, handle, reading};
use crate::sized::{self, Sized};
use crate::status::{self, MTASTS_E_ARGUMENT, MTASTS_E_REPORT};
use crate::text::{Text, UNKNOWN, c_text, mtasts_str, name, octets, static_name};
use mtasts::tlsrpt::report::ReportError;
use mtasts::{ErrorKind, Mode, Policy, Position, StoredPolicy, Warning, WarningKind};
use std::ffi::{c_char, c_void};
use std::fmt;
use std::mem::offset_of;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Do not deliver to hosts that are not as the policy says.
pub const MTASTS_MODE_ENFORCE: i32 = 1;
/// Deliver, and report.
pub const MTASTS_MODE_TESTING: i32 = 2;
/// As if there were no policy.
pub const MTASTS_MODE_NONE: i32 = 3;

/// For `mtasts_policy_parse`: what the engine merely tolerates is an error.
pub const MTASTS_PARSE_STRICT: i32 = 1;

/// A policy. Immutable: any number of threads may read it.
pub struct mtasts_policy {
    pub(crate) poison: AtomicBool,
    policy: Owner,
    text: Text,
    mx: Vec<Text>,
    warnings: Vec<Warning>,
}

handle!(mtasts_policy);

enum Owner {
    Local(Arc<Policy>),
    Parsed(Policy),
    Stored(Arc<StoredPolicy>),
}

impl mtasts_policy {
    pub(crate) fn of_stored(stored: Arc<StoredPolicy>) -> Self {
        Self::new(Owner::Stored(stored), Vec::new())
    }

    pub(crate) fn of_local(policy: Arc<Policy>) -> Self {
        Self::new(Owner::Local(policy), Vec::new())
    }

    fn new(owner: Owner, warnings: Vec<Warning>) -> Self {
        let policy = owner.policy();
        let text = Text::new(policy.text());
        let mx = policy
            .mx()
            .map(|pattern| Text::new(pattern.as_str()))
            .collect();
        Self {
            poison: AtomicBool::new(false),
            policy: owner,
            text,
            mx,
            warnings,
        }
    }

    fn get(&self) -> &Policy {
        self.policy.policy()
    }
}

impl Owner {
    fn policy(&self) -> &Policy {
        match self {
            Self::Local(policy) => policy,
            Self::Parsed(policy) => policy,
            Self::Stored(stored) => &stored.policy,
        }
    }
}

/// Where and why an input was refused, or tolerated. Give it with `size` set.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_problem {
    /// `sizeof(mtasts_problem)`.
    pub size: usize,
    /// The octet of the input.
    pub offset: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in the line, in characters, from 1.
    pub column: usize,
    /// One line for a person, NUL-terminated.
    pub message: [c_char; 128],
    /// The same as one word for programs, NUL-terminated, such as "mx-missing". A word never
    /// changes its meaning; later versions may know more.
    pub kind: [c_char; 32],
}

// SAFETY: numbers after the size.
unsafe impl Sized for mtasts_problem {
    const FIRST: usize = offset_of!(Self, kind);
}

impl mtasts_problem {
    fn error(offset: usize, position: Position, kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Strict(warning) => Self::warning(offset, position, warning),
            kind => Self::at(offset, position, kind.as_str(), &kind),
        }
    }

    fn warning(offset: usize, position: Position, kind: WarningKind) -> Self {
        Self::at(offset, position, kind.as_str(), &kind)
    }

    fn at(offset: usize, position: Position, text: &str, kind: &dyn fmt::Debug) -> Self {
        let Position { line, column } = position;
        Self {
            size: size_of::<Self>(),
            offset,
            line,
            column,
            message: c_array(text),
            kind: c_array(&kebab(&format!("{kind:?}"))),
        }
    }

    /// Tells the caller of `error` in `input`, if the caller wants to know.
    ///
    /// # Safety
    /// `to` is NULL or valid.
    pub(crate) unsafe fn tell(to: *mut Self, input: &[u8], error: mtasts::Error) -> i32 {
        // SAFETY: as the caller promises.
        unsafe { Self::tell_at(to, Position::of(input, error.offset()), error) }
    }

    /// The same of a TXT record, which is one line.
    ///
    /// # Safety
    /// As for [`Self::tell`].
    pub(crate) unsafe fn tell_of_record(to: *mut Self, error: mtasts::Error) -> i32 {
        let (line, column) = (1, error.offset() + 1);
        // SAFETY: as the caller promises.
        unsafe { Self::tell_at(to, Position { line, column }, error) }
    }

    /// The same of a TLS report, whose message may quote the report.
    ///
    /// # Safety
    /// As for [`Self::tell`].
    pub(crate) unsafe fn tell_of_report(to: *mut Self, json: &[u8], error: &ReportError) -> i32 {
        if to.is_null() {
            return MTASTS_E_REPORT;
        }
        let position = error.position().unwrap_or(Position { line: 0, column: 0 });
        let plain = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
        let message: String = error.message().chars().map(plain).collect();
        let problem = Self {
            message: c_array(&message),
            kind: c_array("report"),
            ..Self::at(offset_of(json, position), position, "", &"")
        };
        // SAFETY: as the caller promises.
        unsafe { sized::write(to, &problem) }.map_or_else(|status| status, |()| MTASTS_E_REPORT)
    }

    unsafe fn tell_at(to: *mut Self, position: Position, error: mtasts::Error) -> i32 {
        if !to.is_null() {
            let problem = Self::error(error.offset(), position, error.kind());
            // SAFETY: as the caller promises.
            if let Err(status) = unsafe { sized::write(to, &problem) } {
                return status;
            }
        }
        status::of(error)
    }
}

/// The octet at a place of `text`, 0 for no place; before which a byte order mark does not count as a character.
fn offset_of(text: &[u8], Position { line, column }: Position) -> usize {
    if line == 0 {
        return 0;
    }
    let mark = if text.starts_with(b"\xEF\xBB\xBF") {
        3
    } else {
        0
    };
    let mut lines = text[mark..].split_inclusive(|&b| b == b'\n');
    let before: usize = lines.by_ref().take(line - 1).map(<[u8]>::len).sum();
    let is_first = |b: &u8| b & 0xC0 != 0x80; // octet of a character
    let rest = lines.next().unwrap_or_default();
    let firsts = rest.iter().enumerate().filter(|(_, b)| is_first(b));
    let in_line = firsts
        .map(|(at, _)| at)
        .nth(column.saturating_sub(1))
        .unwrap_or(rest.len());
    mark + before + in_line
}

/// ASCII and a NUL, cut off where it does not fit.
fn c_array<const N: usize>(text: &str) -> [c_char; N] {
    let mut array = [0; N];
    for (to, from) in array.iter_mut().zip(text.bytes().take(N - 1)) {
        *to = from as c_char;
    }
    array
}

/// `mx-missing` for `MxMissing`.
fn kebab(camel: &str) -> String {
    let mut word = String::with_capacity(camel.len() + 8);
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

/// Reads a policy. The octets are copied.
///
/// `flags` is 0 or MTASTS_PARSE_STRICT. `problem` may be NULL; after a failure it says what is
/// wrong and where. On success `*out` is the policy, to be freed by `mtasts_policy_free`.
///
/// Returns MTASTS_OK, MTASTS_E_POLICY, MTASTS_E_ARGUMENT or MTASTS_E_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_policy_parse(
    body: *const c_void,
    len: usize,
    flags: i32,
    out: *mut *mut mtasts_policy,
    problem: *mut mtasts_problem,
) -> i32 {
    entry(|| {
        // SAFETY: pointers are the caller's for this call.
        unsafe {
            clear_out(out);
            let body = octets(body, len)?;
            let mut warnings = Vec::new();
            let parsed = match flags {
                0 => Policy::parse_with(body, |warning| {
                    warnings.push(warning);
                    Ok(())
                }),
                MTASTS_PARSE_STRICT => Policy::parse_strict(body),
                _ => return Err(MTASTS_E_ARGUMENT),
            };
            let policy = parsed.map_err(|error| mtasts_problem::tell(problem, body, error))?;
            hand_out(out, mtasts_policy::new(Owner::Parsed(policy), warnings))
        }
    })
}

/// Frees a policy made by `mtasts_policy_parse`; NULL is allowed. Never call it on a policy lent
/// by `mtasts_outcome_policy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_policy_free(policy: *mut mtasts_policy) {
    // SAFETY: the caller gives up the handle.
    unsafe { free(policy) }
}

/// The mode, one of MTASTS_MODE_*; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_policy_mode(policy: *const mtasts_policy) -> i32 {
    // SAFETY: the handle is the caller's.
    unsafe { getting(policy, 0, |policy| mode_number(policy.get().mode())) }
}

/// The lifetime in seconds; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_policy_max_age(policy: *const mtasts_policy) -> u32 {
    // SAFETY: the handle is the caller's.
    unsafe { getting(policy, 0, |policy| policy.get().max_age()) }
}

/// The number of MX patterns; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_policy_mx_count(policy: *const mtasts_policy) -> usize {
    // SAFETY: the handle is the caller's.
    unsafe { getting(policy, 0, |policy| policy.mx.len()) }
}

/// The MX pattern number `index`, from 0, in the policy's order: lower-case, without a final dot,
/// `*.` in front where it is a wildcard. No string past the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_policy_mx(
    policy: *const mtasts_policy,
    index: usize,
) -> mtasts_str {
    let pick = |policy: &mtasts_policy| policy.mx.get(index).map_or(mtasts_str::NONE, Text::lend);
    // SAFETY: the handle is the caller's.
    unsafe { getting(policy, mtasts_str::NONE, pick) }
}

/// The text as it was published.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_policy_text(policy: *const mtasts_policy) -> mtasts_str {
    // SAFETY: the handle is the caller's.
    unsafe { getting(policy, mtasts_str::NONE, |policy| policy.text.lend()) }
}

/// Whether the policy lists `mx_host`, the name in an MX record or, without MX records, the
/// domain itself: 1 if it does, else 0, also for what is no host name. Case and a final dot do
/// not count.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_policy_matches(
    policy: *const mtasts_policy,
    mx_host: *const c_char,
) -> i32 {
    // SAFETY: the handle and the string are the caller's.
    let host = unsafe { name(mx_host) }.unwrap_or_default();
    // SAFETY: as above.
    unsafe { getting(policy, 0, |policy| policy.get().matches(host).into()) }
}

/// The number of warnings that parsing gave: what RFC 8461 does not allow and the engine
/// tolerates. 0 for NULL and for policies of an outcome.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_policy_warning_count(policy: *const mtasts_policy) -> usize {
    // SAFETY: the handle is the caller's.
    unsafe { getting(policy, 0, |policy| policy.warnings.len()) }
}

/// The warning number `index`, from 0, in the order of the text.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT past the end, or MTASTS_E_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_policy_warning(
    policy: *const mtasts_policy,
    index: usize,
    out: *mut mtasts_problem,
) -> i32 {
    // SAFETY: the handle and `out` are the caller's.
    unsafe {
        reading(policy, |policy| {
            let Warning {
                kind,
                offset,
                position,
            } = *policy.warnings.get(index).ok_or(MTASTS_E_ARGUMENT)?;
            sized::write(out, &mtasts_problem::warning(offset, position, kind))
        })
    }
}

/// The word of a mode: "enforce", "testing", "none"; "unknown" for other numbers. Static.
#[unsafe(no_mangle)]
pub extern "C" fn mtasts_mode_name(mode: i32) -> *const c_char {
    static_name(|| match mode {
        MTASTS_MODE_ENFORCE => c_text!(Mode::Enforce.as_str()),
        MTASTS_MODE_TESTING => c_text!(Mode::Testing.as_str()),
        MTASTS_MODE_NONE => c_text!(Mode::None.as_str()),
        _ => UNKNOWN,
    })
}

fn mode_number(mode: Mode) -> i32 {
    match mode {
        Mode::Enforce => MTASTS_MODE_ENFORCE,
        Mode::Testing => MTASTS_MODE_TESTING,
        Mode::None => MTASTS_MODE_NONE,
    }
}
