// SPDX-License-Identifier: MIT OR Apache-2.0

//! Opening and closing the default host.

use super::boundary::{Status, clear_out, entry, free, getting, with_host};
use super::callbacks;
use super::engine::mtasts_host;
use super::status::{
    MTASTS_E_ARGUMENT, MTASTS_E_SIZE, MTASTS_HOST_E_LOCAL_POLICIES, MTASTS_HOST_E_RESOLVER,
    MTASTS_OK, of_open,
};
use super::text::{array, c_string, name, path, write_truncated};
use crate::{DefaultHost, Level, LocalError, Log, OpenError, Options};
use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::net::{IpAddr, SocketAddr};
use std::ptr;
use std::time::Duration;

/// The default host: DNS, HTTPS, certificate chains, a clock, and a policy store that all
/// processes of a machine share. Any thread may use it, several at a time; it may be used in a
/// child after a fork, and after chroot. Between calls it has no threads, and no descriptors but
/// the store's.
pub struct mtasts_default_host {
    pub(super) host: DefaultHost,
    pub(super) log: LogTo,
    callbacks: mtasts_host,
}

/// Options of `mtasts_default_host_open`. Set `size` and what you need, and the rest to 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_default_host_options {
    /// `sizeof(mtasts_default_host_options)`.
    pub size: usize,
    /// The recursive name servers to ask, in this order: "192.0.2.1", "192.0.2.1:53",
    /// "2001:db8::1" or "[2001:db8::1]:53". None: those of the system's configuration.
    pub nameservers: *const *const c_char,
    /// How many.
    pub nameserver_count: usize,
    /// A file of PEM certificates to trust instead of the system's roots. NULL: those.
    pub ca_file: *const c_char,
    /// The directory of the policy store, which must exist; setgid and writable for the group
    /// of all users that take part. NULL: nothing is stored.
    pub store: *const c_char,
    /// The port of policy hosts, for tests. 0: 443.
    pub https_port: u16,
    /// Not 0: connect to addresses that are not global, too. For tests.
    pub allow_non_global: i32,
    /// The time limit of one DNS question in milliseconds, all name servers together. 0: 20000.
    pub dns_timeout_ms: u32,
    /// The time limit in milliseconds for connecting to one address of a policy host, TLS
    /// included. 0: 15000.
    pub connect_timeout_ms: u32,
    /// Not 0: DANE (RFC 7672) goes before MTA-STS. Set it only where every name server validates
    /// (DNSSEC) and nobody can come between it and this host, for its word is believed: best one
    /// on this machine. Where they do not validate there is no DANE, and the log says so once.
    pub dane: i32,
    /// Takes messages for the administrator; `level` is one of MTASTS_LOG_*, `message` one line
    /// that is borrowed for the call. It may be called from any thread that uses the host, and
    /// must not use the host itself. NULL: no messages.
    pub log: Option<unsafe extern "C" fn(user: *mut c_void, level: i32, message: *const c_char)>,
    /// Given to `log`.
    pub log_user: *mut c_void,
    /// The folder of the operator's own policies, which come before what domains publish: RFC 8461
    /// policy files named "example.com.txt", to pin a policy, to exempt a domain (mode "none") or to
    /// demote it (mode "testing"). Files with other endings, hidden files and sub-folders are passed
    /// over. One that is not legal is an error. NULL: there are none.
    pub local_policies: *const c_char,
    /// The Unix socket of the TLSRPT collector, such as tlsrpt-collectd of tlsrpt-reporter, for
    /// `mtasts_default_host_tlsrpt_send`. It is looked for when something is sent, thus after chroot
    /// in the new root directory. NULL: there is none.
    pub tlsrpt_socket: *const c_char,
}

/// Opens the default host. Configuration files, roots and the store are opened here, so that the
/// process may change its root directory or user afterwards. Environment variables are never
/// read. `options` may be NULL for the defaults: the system's name servers and roots, no store.
///
/// On success `*out` is to be closed by `mtasts_default_host_close`. On failure `*out` is NULL,
/// and the `error_len` octets at `error` hold a line for a person, cut off where it does not fit;
/// `error` may be NULL.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_SIZE, MTASTS_E_INTERNAL, MTASTS_HOST_E_STORE,
/// MTASTS_HOST_E_CA_FILE, MTASTS_HOST_E_RESOLVER, or MTASTS_HOST_E_LOCAL_POLICIES, of which the log
/// has a line for each fault.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_default_host_open(
    options: *const mtasts_default_host_options,
    out: *mut *mut mtasts_default_host,
    error: *mut c_char,
    error_len: usize,
) -> i32 {
    let mut message = String::new();
    let status = entry(|| {
        // SAFETY: pointers are the caller's for this call.
        unsafe {
            clear_out(out)?;
            let options = read(options)?;
            let log = LogTo {
                function: options.log,
                user: options.log_user,
            };
            let options = convert(&options, log, &mut message)?;
            open(options, log, out, &mut message)
        }
    });
    if status != MTASTS_OK && message.is_empty() {
        message.push_str("the options are not legal");
    }
    // SAFETY: as above.
    unsafe { write_truncated(&message, error, error_len) };
    status
}

/// Closes a host that `mtasts_default_host_open` gave; NULL does nothing. No other thread may be
/// using it or its callbacks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_default_host_close(host: *mut mtasts_default_host) {
    // SAFETY: the caller gives up the handle.
    unsafe { free(host) }
}

/// Reads the option `local_policies` again, the path as it was made absolute when the host was
/// opened; without it there is nothing to do. Look-ups go on meanwhile with the old policies. After a
/// failure the old ones stay, all of them, and the log has a line for each fault.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_HOST_E_LOCAL_POLICIES or MTASTS_E_INTERNAL.
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_default_host_reread(host: *const mtasts_default_host) -> i32 {
    // SAFETY: the handle is the caller's.
    unsafe {
        with_host(host, |host| {
            host.host.reread_local_policies().map_err(|error| {
                host.log.faults(&error);
                MTASTS_HOST_E_LOCAL_POLICIES
            })
        })
    }
}

/// The callbacks that `mtasts_lookup_run` and `mtasts_resolve` take. They belong to the host and
/// live as long. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_default_host_callbacks(
    host: *const mtasts_default_host,
) -> *const mtasts_host {
    // SAFETY: the handle is the caller's.
    unsafe { getting(host, ptr::null(), |host| Some(&raw const host.callbacks)) }
}

/// The caller's log.
#[derive(Clone, Copy)]
pub(super) struct LogTo {
    function: Option<unsafe extern "C" fn(*mut c_void, i32, *const c_char)>,
    user: *mut c_void,
}

// SAFETY: the header demands of the function that it may be called from any thread.
unsafe impl Send for LogTo {}
// SAFETY: as above.
unsafe impl Sync for LogTo {}

impl LogTo {
    pub fn call(&self, level: i32, message: *const c_char) {
        if let Some(function) = self.function {
            // SAFETY: a C function of this type.
            unsafe { function(self.user, level, message) }
        }
    }

    fn faults(&self, error: &LocalError) {
        for fault in error.faults() {
            let message = c_string(&format!("local policies: {fault}"));
            self.call(Level::Error as i32, message.as_ptr());
        }
    }

    fn into_log(self) -> Log {
        if self.function.is_none() {
            return Log::default();
        }
        Log::new(move |level: Level, message: &str| {
            self.call(level as i32, c_string(message).as_ptr());
        })
    }
}

const DEFAULTS: mtasts_default_host_options = mtasts_default_host_options {
    size: size_of::<mtasts_default_host_options>(),
    nameservers: ptr::null(),
    nameserver_count: 0,
    ca_file: ptr::null(),
    store: ptr::null(),
    https_port: 0,
    allow_non_global: 0,
    dns_timeout_ms: 0,
    connect_timeout_ms: 0,
    dane: 0,
    log: None,
    log_user: ptr::null_mut(),
    local_policies: ptr::null(),
    tlsrpt_socket: ptr::null(),
};

/// The size of the options in the first version.
const FIRST_SIZE: usize = offset_of!(mtasts_default_host_options, local_policies);

/// More octets than any version's options have: such a size was never set.
const TOO_LARGE: usize = 65_536;

/// The caller's options, as far as both sides know them. What the caller has beyond must be 0: an
/// option that this library does not know is not ignored.
///
/// # Safety
/// `options` is NULL or points to at least as many octets as its size says.
unsafe fn read(
    options: *const mtasts_default_host_options,
) -> Result<mtasts_default_host_options, i32> {
    let mut own = DEFAULTS;
    if options.is_null() {
        return Ok(own);
    }
    // SAFETY: the first member is the size, and the copy is within both structs. Every bit
    // pattern of the members is a value.
    unsafe {
        let callers = options.cast::<usize>().read();
        if !(FIRST_SIZE..TOO_LARGE).contains(&callers) {
            return Err(MTASTS_E_SIZE);
        }
        let size = callers.min(size_of_val(&own));
        let beyond = array(options.cast::<u8>().add(size), callers - size)?;
        if beyond.iter().any(|octet| *octet != 0) {
            return Err(MTASTS_E_SIZE);
        }
        ptr::copy_nonoverlapping(options.cast::<u8>(), (&raw mut own).cast::<u8>(), size);
    }
    Ok(own)
}

/// # Safety
/// The pointers in `options` are valid.
unsafe fn convert(
    options: &mtasts_default_host_options,
    log: LogTo,
    message: &mut String,
) -> Result<Options, i32> {
    // SAFETY: as the caller promises.
    let (nameservers, ca_file, store, local_policies, tlsrpt_socket) = unsafe {
        (
            nameservers(options, message)?,
            path(options.ca_file),
            path(options.store),
            path(options.local_policies),
            path(options.tlsrpt_socket),
        )
    };
    let https_port = if options.https_port == 0 {
        443
    } else {
        options.https_port
    };
    let allow_non_global = options.allow_non_global != 0;
    let dane = options.dane != 0;
    let log = log.into_log();
    let rest = Options::default();
    let dns_timeout = millis(options.dns_timeout_ms, rest.dns_timeout);
    let connect_timeout = millis(options.connect_timeout_ms, rest.connect_timeout);
    Ok(Options {
        nameservers,
        ca_file,
        store,
        local_policies,
        tlsrpt_socket,
        https_port,
        allow_non_global,
        dns_timeout,
        connect_timeout,
        max_fetches_per_address: rest.max_fetches_per_address,
        dane,
        log,
    })
}

fn millis(set: u32, otherwise: Duration) -> Duration {
    match set {
        0 => otherwise,
        _ => Duration::from_millis(set.into()),
    }
}

/// # Safety
/// As for [`convert`].
unsafe fn nameservers(
    options: &mtasts_default_host_options,
    message: &mut String,
) -> Result<Vec<SocketAddr>, i32> {
    // SAFETY: as the caller promises.
    let texts = unsafe { array(options.nameservers, options.nameserver_count) }?;
    let mut address = |&text: &*const c_char| {
        // SAFETY: as the caller promises.
        let text = unsafe { name(text) }.map_err(|_| MTASTS_E_ARGUMENT)?;
        nameserver(text).ok_or_else(|| {
            *message = format!("resolver: {text} is not the address of a name server");
            MTASTS_HOST_E_RESOLVER
        })
    };
    texts.iter().map(&mut address).collect()
}

fn nameserver(text: &str) -> Option<SocketAddr> {
    let bare = |text: &str| {
        text.parse::<IpAddr>()
            .ok()
            .map(|ip| SocketAddr::new(ip, 53))
    };
    text.parse().ok().or_else(|| bare(text))
}

/// # Safety
/// `out` may be written.
unsafe fn open(
    options: Options,
    log: LogTo,
    out: *mut *mut mtasts_default_host,
    message: &mut String,
) -> Status {
    let host = DefaultHost::open(options).map_err(|error| {
        if let OpenError::LocalPolicies(error) = &error {
            log.faults(error);
        }
        *message = error.to_string().replace('\n', "; ");
        of_open(&error)
    })?;
    let callbacks = callbacks::table(ptr::null_mut(), log.function.is_some());
    let handle = Box::into_raw(Box::new(mtasts_default_host {
        host,
        log,
        callbacks,
    }));
    // SAFETY: the handle was just made, and `out` may be written.
    unsafe {
        (*handle).callbacks.user = handle.cast();
        *out = handle;
    }
    Ok(())
}
