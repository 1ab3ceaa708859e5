// SPDX-License-Identifier: MIT OR Apache-2.0

//! The default host for callers without a runtime. Each call builds a runtime of one thread,
//! this one, and drops it at its end. That takes some ten microseconds beside the round trips of
//! a network, and leaves nothing between calls that a `fork` could break: no descriptors, no
//! threads, no state.

use crate::sigpipe::Withheld;
use crate::{DaneRecords, DefaultHost, DnsFailure, DomainDane, Level, Mx, MxHosts};
use mtasts::{
    Config, Fetch, FetchFailure, Host, HttpsReply, Outcome, Policy, PolicyDomain, StoreFailure,
    Stored, TxtAnswer, TxtFailure, UnixTime,
};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::thread;
use tokio::runtime::{Builder, Handle};

/// The default host, blocking. It may be used inside a runtime, too, and blocks that then.
#[derive(Clone, Copy, Debug)]
pub struct Blocking<'a> {
    host: &'a DefaultHost,
}

impl<'a> Blocking<'a> {
    pub(crate) fn new(host: &'a DefaultHost) -> Self {
        Self { host }
    }

    /// As [`DefaultHost::mx`].
    ///
    /// # Errors
    /// As there; [`DnsFailure::Temporary`] also if there are no descriptors left.
    pub fn mx(&self, domain: &str) -> Result<Vec<Mx>, DnsFailure> {
        self.wait(self.host.mx(domain))
            .unwrap_or(Err(DnsFailure::Temporary))
    }

    /// As [`DefaultHost::addresses`].
    ///
    /// # Errors
    /// As there; [`DnsFailure::Temporary`] also if there are no descriptors left.
    pub fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, DnsFailure> {
        self.wait(self.host.addresses(host))
            .unwrap_or(Err(DnsFailure::Temporary))
    }

    /// As [`DefaultHost::mx_hosts`].
    ///
    /// # Errors
    /// As there; [`DnsFailure::Temporary`] also if there are no descriptors left.
    pub fn mx_hosts(&self, domain: &str) -> Result<MxHosts, DnsFailure> {
        self.wait(self.host.mx_hosts(domain))
            .unwrap_or(Err(DnsFailure::Temporary))
    }

    /// As [`DefaultHost::dane`]; a failure also if there are no descriptors left.
    pub fn dane(&self, mx_host: &str) -> DaneRecords {
        self.wait(self.host.dane(mx_host))
            .unwrap_or_else(DaneRecords::lookup_failed)
    }

    /// As [`DefaultHost::dane_of_domain`]; temporary also if there are no descriptors left.
    pub fn dane_of_domain(&self, domain: &str) -> (DomainDane, u32) {
        self.wait(self.host.dane_of_domain(domain))
            .unwrap_or((DomainDane::Temporary, 0))
    }

    /// As [`DefaultHost::tlsrpt_records`].
    ///
    /// # Errors
    /// As there; [`TxtFailure::Local`] also if there are no descriptors left.
    pub fn tlsrpt_records(&self, domain: &PolicyDomain) -> Result<TxtAnswer, TxtFailure> {
        self.wait(self.host.tlsrpt_records(domain))
            .unwrap_or(Err(TxtFailure::Local))
    }

    /// As [`DefaultHost::resolve`].
    pub fn resolve(&self, domain: PolicyDomain, config: &Config) -> Outcome {
        mtasts::resolve(domain, config, &mut self.clone())
    }

    /// As [`DefaultHost::look_again`].
    pub fn look_again(&self, outcome: &Outcome, config: &Config) -> Outcome {
        mtasts::run(self.host.again(outcome, config), &mut self.clone())
    }

    /// Runs `future` to its end; none if that cannot be done, which the log tells.
    fn wait<F>(&self, future: F) -> Option<F::Output>
    where
        F: Future + Send,
        F::Output: Send,
    {
        let output = match Handle::try_current() {
            Err(_) => run(future),
            // A runtime inside a runtime would panic: another thread takes it.
            Ok(_) => run_elsewhere(future),
        };
        let log = self.host.log();
        output
            .map_err(|error| log.write(Level::Error, format_args!("no runtime: {error}")))
            .ok()
    }
}

fn run<F: Future>(future: F) -> io::Result<F::Output> {
    let _withheld = Withheld::new();
    Ok(Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(future))
}

fn run_elsewhere<F>(future: F) -> io::Result<F::Output>
where
    F: Future + Send,
    F::Output: Send,
{
    thread::scope(|scope| {
        let thread = thread::Builder::new().spawn_scoped(scope, || run(future))?;
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread panicked")))
    })
}

impl Host for Blocking<'_> {
    fn now(&mut self) -> UnixTime {
        self.host.now()
    }

    fn txt(&mut self, name: &str) -> Result<TxtAnswer, TxtFailure> {
        self.wait(self.host.txt(name))
            .unwrap_or(Err(TxtFailure::Local))
    }

    fn https(&mut self, fetch: &Fetch<'_>) -> Result<HttpsReply, FetchFailure> {
        self.wait(self.host.https(fetch))
            .unwrap_or(Err(FetchFailure::Local))
    }

    fn local(&mut self, domain: &PolicyDomain) -> Option<Arc<Policy>> {
        self.host.local(domain)
    }

    fn load(&mut self, domain: &PolicyDomain) -> Result<Option<Arc<Stored>>, StoreFailure> {
        self.host.load_now(domain)
    }

    fn save(&mut self, stored: &Arc<Stored>) {
        self.host.save_now(stored);
    }
}

#[cfg(test)]
mod tests {
    #![expect(unsafe_code, reason = "forks")]

    use super::run;

    /// A write that raises SIGPIPE where that is not withheld.
    async fn write_to_nobody() -> bool {
        let mut ends = [0; 2];
        // SAFETY: the array has room for two descriptors, and they are this function's.
        unsafe {
            assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
            libc::close(ends[0]);
            let written = libc::write(ends[1], c"x".as_ptr().cast(), 1);
            libc::close(ends[1]);
            written == -1
        }
    }

    #[test]
    fn a_connection_that_was_reset_does_not_end_the_process() {
        // SAFETY: the child, in which the signal has its default, calls nothing that another
        // thread may have locked, but for the allocator, which survives a fork.
        let status = unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::signal(libc::SIGPIPE, libc::SIG_DFL);
                let failed = run(write_to_nobody()).is_ok_and(|failed| failed);
                libc::_exit(i32::from(!failed));
            }
            let mut status = 0;
            libc::waitpid(child, &mut status, 0);
            status
        };
        assert_eq!(status, 0, "neither a signal nor a failure");
    }
}
