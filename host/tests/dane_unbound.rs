// SPDX-License-Identifier: MIT OR Apache-2.0

//! DANE (R-APPLY-2) with a real validating resolver: Unbound, over a root and zones that are
//! signed for the test. Skipped where Unbound or ldns is missing; `tools/setup.sh` installs them.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use common::{lines, log};
use mtasts::Dane::{LookupFailed, NotUsed, Usable};
use mtasts_host::{DefaultHost, DnsFailure, DomainDane, Options};
use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

/// Where Debian keeps what only root is thought to run.
const PLACES: [&str; 4] = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];

const HEAD: &str = "$TTL 300
@ SOA ns admin 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
";

/// A zone that is signed; in its parent there is a DS record.
const SIGNED: &str = "
@ MX 10 mx
mx A 127.0.0.1
_25._tcp.mx TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
none A 127.0.0.1
forged A 127.0.0.1
_25._tcp.forged TLSA 3 1 1 00000000000000000000000000000000000000000000000000000000deadbeef
away MX 10 mx.plain.
near CNAME mx
far CNAME mx.plain.
_25._tcp.far TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
";

/// A zone that is not.
const PLAIN: &str = "
@ MX 10 mx.signed.
mx A 127.0.0.1
_25._tcp.mx TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
";

const DELEGATIONS: &str = "
signed NS ns.signed.
plain NS ns.plain.
bogus NS ns.bogus.
";

fn program(name: &str) -> Option<String> {
    let mut paths = PLACES.iter().map(|place| format!("{place}/{name}"));
    paths.find(|path| Path::new(path).is_file())
}

fn output(dir: &Path, program_name: &str, args: &[&str]) -> String {
    let mut command = Command::new(program(program_name).unwrap());
    let output = command.current_dir(dir).args(args).output().unwrap();
    assert!(output.status.success(), "{program_name}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Makes a key for the zone.
fn key(dir: &Path, zone: &str) -> String {
    output(dir, "ldns-keygen", &["-a", "ECDSAP256SHA256", "-k", zone])
}

/// Its DS record.
fn ds(dir: &Path, key: &str) -> String {
    fs::read_to_string(dir.join(format!("{key}.ds"))).unwrap()
}

/// Writes the zone, and signs it.
fn sign(dir: &Path, zone: &str, text: &str, key: &str) {
    let file = write(dir, zone, text);
    output(dir, "ldns-signzone", &["-f", &file, &file, key]);
}

fn write(dir: &Path, zone: &str, text: &str) -> String {
    let file = file(zone);
    fs::write(dir.join(&file), format!("$ORIGIN {zone}\n{HEAD}{text}")).unwrap();
    file
}

fn file(zone: &str) -> String {
    format!("{}zone", zone.trim_start_matches('.'))
}

fn zones(dir: &Path) {
    let [root, signed, bogus, other] =
        [".", "signed.", "bogus.", "bogus."].map(|zone| key(dir, zone));
    sign(dir, "signed.", SIGNED, &signed);
    sign(dir, "bogus.", SIGNED, &bogus);
    write(dir, "plain.", PLAIN);
    let known = ds(dir, &signed) + &ds(dir, &other); // for `bogus.` a key that it has not
    sign(dir, ".", &format!("{DELEGATIONS}{known}"), &root);
    fs::write(dir.join("anchor"), ds(dir, &root)).unwrap();
    forge(&dir.join(file("signed.")));
}

/// A TLSA record after its signature was made.
fn forge(file: &Path) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains("deadbeef"));
    fs::write(file, text.replace("deadbeef", "beefdead")).unwrap();
}

fn configuration(dir: &Path, port: u16) -> String {
    let mut text = format!(
        "server:\n interface: 127.0.0.1\n port: {port}\n do-ip6: no\n do-daemonize: no\n \
         chroot: \"\"\n username: \"\"\n pidfile: \"\"\n use-syslog: no\n logfile: \"\"\n \
         directory: \"{dir}\"\n module-config: \"validator iterator\"\n \
         trust-anchor-file: \"{dir}/anchor\"\n trust-anchor-signaling: no\n\
         remote-control:\n control-enable: no\n",
        dir = dir.display()
    );
    for zone in [".", "signed.", "plain.", "bogus."] {
        text += &format!(
            "auth-zone:\n name: \"{zone}\"\n zonefile: \"{}\"\n for-upstream: yes\n \
             for-downstream: no\n fallback-enabled: no\n",
            file(zone)
        );
    }
    text
}

/// A running Unbound; it ends when this is dropped.
struct Unbound {
    child: Child,
    address: SocketAddr,
    _dir: TempDir,
}

impl Drop for Unbound {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Unbound {
    /// None if it is not installed.
    fn start() -> Option<Self> {
        let programs = ["unbound", "ldns-keygen", "ldns-signzone"].map(program);
        let [Some(unbound), Some(_), Some(_)] = programs else {
            println!("skipped: Unbound or ldns is not installed");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        zones(dir.path());
        let mut running = (0..5).filter_map(|_| run(&unbound, dir.path()));
        let (child, address) = running.next().unwrap();
        Some(Self {
            child,
            address,
            _dir: dir,
        })
    }

    fn host(&self) -> (DefaultHost, Arc<Mutex<Vec<String>>>) {
        let (log, lines) = log();
        let options = Options {
            nameservers: vec![self.address],
            dns_timeout: Duration::from_secs(5),
            dane: true,
            log,
            ..Options::default()
        };
        (DefaultHost::open(options).unwrap(), lines)
    }
}

/// Runs it on a port that is free; none if that was taken meanwhile.
fn run(unbound: &str, dir: &Path) -> Option<(Child, SocketAddr)> {
    let address = free_address();
    fs::write(dir.join("unbound.conf"), configuration(dir, address.port())).unwrap();
    let mut command = Command::new(unbound);
    command.current_dir(dir).args(["-d", "-c", "unbound.conf"]);
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let is_ready = (0..250).any(|_| answers(address) || child.try_wait().unwrap().is_some());
    if is_ready && child.try_wait().unwrap().is_none() {
        return Some((child, address));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

fn free_address() -> SocketAddr {
    loop {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        // The same port may be taken for TCP.
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// Whether there is an answer to a question for the root's SOA record within 20 ms.
fn answers(address: SocketAddr) -> bool {
    const QUERY: [u8; 17] = [7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 1];
    let patience = Duration::from_millis(20);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(address).unwrap();
    socket.set_read_timeout(Some(patience)).unwrap();
    let asked = socket.send(&QUERY).and_then(|_| socket.recv(&mut [0; 512]));
    if asked.is_err() {
        sleep(patience); // nobody listens yet, which is known at once
    }
    asked.is_ok()
}

#[test]
fn r_apply_2_a_validating_resolver() {
    let Some(unbound) = Unbound::start() else {
        return;
    };
    let (host, log) = unbound.host();
    let host = host.blocking();
    for (domain, is_secure) in [("signed", true), ("away.signed", true), ("plain", false)] {
        let mx = host.mx_hosts(domain).unwrap();
        assert_eq!(
            (mx.is_secure, mx.is_implicit),
            (is_secure, false),
            "{domain}"
        );
    }
    for (domain, is_secure) in [
        ("none.signed", true),
        ("far.signed", false),
        ("mx.plain", false),
    ] {
        let mx = host.mx_hosts(domain).unwrap();
        assert_eq!(
            (mx.is_secure, mx.is_implicit),
            (is_secure, true),
            "{domain}"
        );
    }
    assert_eq!(host.mx_hosts("bogus"), Err(DnsFailure::Temporary));
    for (mx_host, status) in [
        ("mx.signed", Usable),
        ("near.signed", Usable),
        ("far.signed", Usable),
        ("none.signed", NotUsed),
        ("absent.signed", NotUsed),
        ("mx.plain", NotUsed),
        ("forged.signed", LookupFailed),
        ("mx.bogus", LookupFailed),
    ] {
        assert_eq!(host.dane(mx_host).status(), status, "{mx_host}");
    }
    // Records are for 300 seconds, their absence for 60; Unbound has had them for a while.
    for (domain, expected, ttl) in [
        ("signed", DomainDane::Usable, 200..=300),
        ("away.signed", DomainDane::None, 200..=300),
        ("plain", DomainDane::None, 200..=300),
        ("none.signed", DomainDane::None, 10..=60),
        ("bogus", DomainDane::Temporary, 0..=0),
    ] {
        let (dane, left) = host.dane_of_domain(domain);
        assert_eq!(dane, expected, "{domain}");
        assert!(ttl.contains(&left), "{domain}: {left}");
    }
    assert_eq!(lines(&log).len(), 2, "{:?}", lines(&log)); // forged and bogus
}

#[test]
fn r_apply_2_that_the_resolver_validates_is_found_out() {
    let Some(unbound) = Unbound::start() else {
        return;
    };
    let (host, log) = unbound.host();
    assert_eq!(host.blocking().dane("mx.plain").status(), NotUsed);
    assert!(lines(&log).is_empty());
}
