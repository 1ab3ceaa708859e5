// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether it was this machine that had not what a question needs. A server that has run out of
//! descriptors must not take that for the fault of a domain, nor tell other processes so.

#![expect(unsafe_code, reason = "libc opens a socket to see whether it can")]

/// The most descriptors that one question has open at a time.
const PEAK: usize = 8;

/// Whether this process could not open [`PEAK`] sockets now. Asked after a failure only.
pub(crate) fn lacks_descriptors() -> bool {
    let mut sockets = Vec::with_capacity(PEAK);
    for _ in 0..PEAK {
        // SAFETY: it makes a descriptor that nobody else knows.
        match unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) } {
            -1 => break,
            socket => sockets.push(socket),
        }
    }
    for socket in &sockets {
        // SAFETY: it was made above.
        unsafe { libc::close(*socket) };
    }
    sockets.len() < PEAK
}
