// SPDX-License-Identifier: MIT OR Apache-2.0

//! Results of sessions on their way to the collector (RFC 8460, R-RPT-4): whether a domain wants
//! reports, and the collector's socket.

use crate::{DefaultHost, Level};
use mtasts::{PolicyDomain, TxtAnswer, TxtFailure};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

impl DefaultHost {
    /// The TXT records at `_smtp._tls.<domain>`, for [`mtasts::tlsrpt::Record::select`]. Ask once for
    /// a delivery, whatever the number of its sessions, and only if there is something to report.
    ///
    /// # Errors
    /// No records: the domain wants no reports. Or why it is not known, which is no reason for the
    /// mail to wait.
    pub async fn tlsrpt_records(&self, domain: &PolicyDomain) -> Result<TxtAnswer, TxtFailure> {
        self.txt(&format!("_smtp._tls.{domain}")).await
    }

    /// Sends a [`datagram`](mtasts::tlsrpt::SessionResult::datagram) to the collector at
    /// [`Options::tlsrpt_socket`](crate::Options::tlsrpt_socket), or nowhere without one. It waits
    /// for nobody: where the collector is not there or has not kept up, the datagram is lost, which
    /// the log says. Deliver on.
    ///
    /// # Errors
    /// The collector does not have the datagram.
    pub fn tlsrpt_send(&self, datagram: &[u8]) -> io::Result<()> {
        let Some(socket) = &self.tlsrpt_socket else {
            return Ok(());
        };
        send(socket, datagram).inspect_err(|error| {
            let socket = socket.display();
            self.log().write(
                Level::Warning,
                format_args!("TLSRPT collector {socket}: {error}"),
            );
        })
    }
}

fn send(socket: &Path, datagram: &[u8]) -> io::Result<()> {
    let sender = UnixDatagram::unbound()?;
    sender.set_nonblocking(true)?;
    sender.send_to(datagram, socket).map(|_| ())
}
