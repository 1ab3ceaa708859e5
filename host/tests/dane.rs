// SPDX-License-Identifier: MIT OR Apache-2.0

//! DANE before MTA-STS (RFC 7672, R-APPLY-2), from DNS through TLS to the verdict, in a lab whose
//! resolver sets AD for those who ask.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use common::{host_with_dane, lines};
use mtasts::Dane::{Failed, LookupFailed, NotUsed, Passed, Unusable, Usable};
use mtasts::{Action, Cause, Certificate, Config, Dane, Outcome, Session, Tls};
use mtasts_host::{DefaultHost, DnsFailure, DomainDane, to_policy_domain};
use mtasts_lab::Lab;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

/// The policies list none of the hosts, so that a verdict tells whether they were asked.
const SCENE: &str = r#"
    [defaults]
    id = "1"
    policy = "enforce"
    policy_mx = ["elsewhere.example"]

    [[domain]]
    name = "secure.example"
    secure = true
    mx = ["match.secure.example"]

    [[domain]]
    name = "plain.example"
    mx = ["match.secure.example"]

    [[domain]]
    name = "broken.example"
    secure = true
    dns = "servfail"

    [[host]]
    name = "match.secure.example"
    tlsa = "match"

    [[host]]
    name = "mismatch.secure.example"
    tlsa = "mismatch"

    [[host]]
    name = "none.secure.example"

    [[host]]
    name = "unusable.secure.example"

    [[host]]
    name = "failing.secure.example"

    [[host]]
    name = "mx.plain.example"
    tlsa = "match"

    [[record]] # PKIX-TA
    name = "_25._tcp.unusable.secure.example"
    type = "TLSA"
    value = "0 0 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

    [[record]] # PKIX-EE
    name = "_25._tcp.unusable.secure.example"
    type = "TLSA"
    value = "1 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

    [[record]] # too short for SHA-256
    name = "_25._tcp.unusable.secure.example"
    type = "TLSA"
    value = "3 1 1 0123456789abcdef"

    [[record]] # no certificate
    name = "_25._tcp.unusable.secure.example"
    type = "TLSA"
    value = "2 0 0 0123456789abcdef"

    [[record]] # no such selector, no such matching type
    name = "_25._tcp.unusable.secure.example"
    type = "TLSA"
    value = "3 2 3 0123456789abcdef"

    [[record]]
    name = "_25._tcp.failing.secure.example"
    type = "CNAME"
    value = "tlsa.broken.example"

    [[record]] # insecure records are none
    name = "_25._tcp.none.secure.example"
    type = "CNAME"
    value = "tlsa.plain.example"

    [[record]]
    name = "tlsa.plain.example"
    type = "TLSA"
    value = "3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
"#;

fn scene() -> Lab {
    Lab::start(SCENE).unwrap()
}

/// The certificates that an MX host shows.
fn chain(lab: &Lab, host: &DefaultHost, mx_host: &str) -> Vec<CertificateDer<'static>> {
    let address = host.blocking().addresses(mx_host).unwrap()[0];
    let stream = start_tls(SocketAddr::new(address, lab.smtp_port()));
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(lab.ca_file()).unwrap();
    roots.add(ca).unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(mx_host.to_owned()).unwrap();
    let session = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(session, stream);
    stream.write_all(b"QUIT\r\n").unwrap();
    let shown = stream.conn.peer_certificates().unwrap();
    shown
        .iter()
        .cloned()
        .map(CertificateDer::into_owned)
        .collect()
}

fn start_tls(address: SocketAddr) -> TcpStream {
    let mut reader = BufReader::new(TcpStream::connect(address).unwrap());
    for command in ["", "EHLO client.example\r\n", "STARTTLS\r\n"] {
        reader.get_mut().write_all(command.as_bytes()).unwrap();
        let mut line = String::new();
        while line.as_bytes().get(3) != Some(&b' ') {
            line.clear();
            reader.read_line(&mut line).unwrap();
        }
    }
    reader.into_inner()
}

/// What DANE says after TLS.
fn after_tls(lab: &Lab, host: &DefaultHost, mx_host: &str) -> Dane {
    let shown = chain(lab, host, mx_host);
    let chain: Vec<&[u8]> = shown.iter().map(|der| &**der).collect();
    let dane = host.blocking().dane(mx_host);
    dane.check(&chain, None, host.now())
}

fn resolve(host: &DefaultHost, domain: &str) -> Outcome {
    let domain = to_policy_domain(domain).unwrap();
    host.blocking().resolve(domain, &Config::default())
}

fn verdict(
    outcome: &Outcome,
    mx_host: &str,
    tls: Tls,
    dane: Dane,
    mx_secure: bool,
) -> Option<Cause> {
    let verdict = outcome.verdict(&Session {
        mx_host,
        tls,
        dane,
        mx_secure,
    });
    let delivers = verdict.action == Action::Deliver;
    assert_eq!(delivers, verdict.cause.is_none());
    verdict.cause
}

#[test]
fn r_apply_2_every_row() {
    use Cause::{DaneFailed, DaneLookupFailed, MxNotListed};
    let lab = scene();
    let (host, log) = host_with_dane(&lab);
    let established = Tls::Established(Certificate::Valid);
    for (domain, mx_host, before, after, cause) in [
        ("secure", "match.secure", Usable, Passed, None),
        (
            "secure",
            "mismatch.secure",
            Usable,
            Failed,
            Some(DaneFailed),
        ),
        ("secure", "none.secure", NotUsed, NotUsed, Some(MxNotListed)),
        (
            "secure",
            "unusable.secure",
            Unusable,
            Unusable,
            Some(MxNotListed),
        ),
        (
            "secure",
            "failing.secure",
            LookupFailed,
            LookupFailed,
            Some(DaneLookupFailed),
        ),
        ("secure", "mx.plain", NotUsed, NotUsed, Some(MxNotListed)),
        ("plain", "match.secure", Usable, Passed, Some(MxNotListed)),
        ("plain", "mismatch.secure", Usable, Failed, Some(DaneFailed)),
        (
            "plain",
            "failing.secure",
            LookupFailed,
            LookupFailed,
            Some(DaneLookupFailed),
        ),
    ] {
        let (domain, mx_host) = (format!("{domain}.example"), format!("{mx_host}.example"));
        lab.set(&domain, &format!("mx={mx_host}")).unwrap();
        let mx = host.blocking().mx_hosts(&domain).unwrap();
        assert_eq!(
            (mx.is_secure, mx.is_implicit),
            (domain == "secure.example", false)
        );
        let dane = host.blocking().dane(&mx.hosts[0].host);
        assert_eq!(dane.status(), before, "{domain} {mx_host}");
        let server_name = (before == Usable).then_some(mx_host.as_str());
        assert_eq!(dane.server_name(), server_name);
        assert_eq!(
            after_tls(&lab, &host, &mx_host),
            after,
            "{domain} {mx_host}"
        );
        let outcome = resolve(&host, &domain);
        let found = verdict(&outcome, &mx_host, established, after, mx.is_secure);
        assert_eq!(found, cause, "{domain} {mx_host}");
    }
    assert!(!lines(&log).iter().any(|line| line.contains("off")));
}

#[test]
fn r_apply_2_records_ask_for_tls_even_unusable_ones() {
    let lab = scene();
    let (host, _) = host_with_dane(&lab);
    let outcome = resolve(&host, "secure.example");
    for (mx_host, cause) in [
        ("match.secure.example", Cause::StartTlsNotSupported),
        ("unusable.secure.example", Cause::StartTlsNotSupported),
        ("none.secure.example", Cause::MxNotListed),
    ] {
        let dane = host.blocking().dane(mx_host).status();
        let found = verdict(&outcome, mx_host, Tls::NotOffered, dane, true);
        assert_eq!(found, Some(cause), "{mx_host}");
    }
}

#[test]
fn r_apply_2_a_domain_without_mx_records_is_as_secure_as_its_addresses() {
    let lab = scene();
    let (host, _) = host_with_dane(&lab);
    for (domain, is_secure) in [("secure.example", true), ("plain.example", false)] {
        lab.set(domain, "mxdns=gone").unwrap();
        lab.set(domain, "tlsa=match").unwrap();
        let mx = host.blocking().mx_hosts(domain).unwrap();
        assert_eq!((mx.is_implicit, mx.is_secure), (true, is_secure));
        assert_eq!(mx.hosts[0].host, domain);
        let status = if is_secure { Usable } else { NotUsed };
        assert_eq!(host.blocking().dane(domain).status(), status);
    }
    lab.set("secure.example", "hostdns=servfail").unwrap();
    let failed = host.blocking().mx_hosts("secure.example");
    assert_eq!(failed, Err(DnsFailure::Temporary));
    lab.set("secure.example", "hostdns=nodata").unwrap();
    let nothing = host.blocking().mx_hosts("secure.example").unwrap();
    assert!(nothing.is_implicit && !nothing.is_secure);
}

#[test]
fn r_apply_2_what_is_answered_for_a_domain_as_a_whole() {
    let lab = scene();
    let (host, _) = host_with_dane(&lab);
    let dane = |domain: &str| host.blocking().dane_of_domain(domain).0;
    for (hosts, expected) in [
        ("match.secure.example", DomainDane::Usable),
        ("mismatch.secure.example", DomainDane::Usable), // nobody has seen its certificate
        (
            "none.secure.example,match.secure.example",
            DomainDane::Usable,
        ),
        (
            "failing.secure.example,match.secure.example",
            DomainDane::Usable,
        ),
        (
            "failing.secure.example,none.secure.example",
            DomainDane::Temporary,
        ),
        ("unusable.secure.example", DomainDane::None),
        ("mx.plain.example", DomainDane::None),
    ] {
        lab.set("secure.example", &format!("mx={hosts}")).unwrap();
        assert_eq!(dane("secure.example"), expected, "{hosts}");
    }
    assert_eq!(dane("plain.example"), DomainDane::None);
    for (fault, expected) in [
        ("null", DomainDane::None),
        ("servfail", DomainDane::Temporary),
        ("timeout", DomainDane::Temporary),
    ] {
        lab.set("secure.example", &format!("mxdns={fault}"))
            .unwrap();
        assert_eq!(dane("secure.example"), expected, "{fault}");
    }
}

#[test]
fn r_apply_2_a_failure_instead_of_addresses_is_temporary() {
    let lab = scene();
    let (host, log) = host_with_dane(&lab);
    for (fault, status) in [
        ("servfail", LookupFailed),
        ("timeout", LookupFailed),
        ("malformed", LookupFailed),
        ("nodata", NotUsed),
        ("gone", NotUsed),
    ] {
        lab.set("match.secure.example", &format!("hostdns={fault}"))
            .unwrap();
        assert_eq!(
            host.blocking().dane("match.secure.example").status(),
            status,
            "{fault}"
        );
    }
    let told = lines(&log);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(
        told.iter()
            .all(|line| line.starts_with("match.secure.example: no DANE: "))
    );
    assert_eq!(host.blocking().dane("a..example").status(), LookupFailed);
    let long = format!("{0}.{0}.{0}.{1}", "a".repeat(60), "b".repeat(66));
    assert_eq!(host.blocking().dane(&long).status(), LookupFailed); // no name at all
}

#[test]
fn aliases_lead_to_the_tlsa_base_domain() {
    let lab = Lab::start(format!("{SCENE}{ALIASES}").as_str()).unwrap();
    let (host, _) = host_with_dane(&lab);
    for (alias, base) in [
        ("to-match.secure.example", Some("match.secure.example")),
        ("to-none.secure.example", Some("to-none.secure.example")), // there is none at the end
        ("away.secure.example", Some("away.secure.example")),       // the end is not secure
        ("lost.secure.example", None),
        ("mx.plain.example", None),
    ] {
        let dane = host.blocking().dane(alias);
        assert_eq!(dane.server_name(), base, "{alias}");
        let with_dot = host.blocking().dane(&format!("{alias}."));
        assert_eq!(with_dot.server_name(), base, "{alias}");
    }
    let asked = lab.count("dns", "type=TLSA").unwrap();
    for alias in ["round.plain.example", "local.plain.example"] {
        assert_eq!(host.blocking().dane(alias).status(), NotUsed, "{alias}");
    }
    assert_eq!(lab.count("dns", "type=TLSA").unwrap(), asked);
}

const ALIASES: &str = r#"
    [[record]]
    name = "to-match.secure.example"
    type = "CNAME"
    value = "match.secure.example"

    [[record]]
    name = "to-none.secure.example"
    type = "CNAME"
    value = "none.secure.example"

    [[record]]
    name = "_25._tcp.to-none.secure.example"
    type = "TLSA"
    value = "3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

    [[record]]
    name = "away.secure.example"
    type = "CNAME"
    value = "mx.plain.example"

    [[record]]
    name = "_25._tcp.away.secure.example"
    type = "TLSA"
    value = "3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

    [[record]]
    name = "lost.secure.example"
    type = "CNAME"
    value = "mx.plain.example"

    [[record]]
    name = "round.plain.example"
    type = "CNAME"
    value = "match.secure.example"

    [[record]]
    name = "local.plain.example"
    type = "CNAME"
    value = "mx.plain.example"
"#;

#[test]
fn nothing_is_asked_and_nothing_believed_unless_the_option_is_set() {
    let lab = scene();
    let host = common::host(&lab);
    assert_eq!(
        host.blocking().dane("match.secure.example").status(),
        NotUsed
    );
    assert!(
        !host
            .blocking()
            .mx_hosts("secure.example")
            .unwrap()
            .is_secure
    );
    assert_eq!(
        host.blocking().dane_of_domain("secure.example"),
        (DomainDane::None, u32::MAX)
    );
    assert_eq!(lab.count("dns", "type=TLSA").unwrap(), 0);
}

#[test]
fn name_servers_that_do_not_validate_turn_dane_off_and_the_log_says_so_once() {
    let lab = scene();
    for name in ["secure.example", "plain.example"] {
        lab.set(name, "secure=false").unwrap();
    }
    let (host, log) = host_with_dane(&lab);
    for _ in 0..2 {
        assert_eq!(
            host.blocking().dane("match.secure.example").status(),
            NotUsed
        );
        assert_eq!(
            host.blocking().dane_of_domain("secure.example").0,
            DomainDane::None
        );
        assert!(
            !host
                .blocking()
                .mx_hosts("secure.example")
                .unwrap()
                .is_secure
        );
    }
    let off = "DANE is off: the name servers do not validate (DNSSEC)";
    assert_eq!(lines(&log), [off]);
    assert_eq!(lab.count("dns", "type=TLSA").unwrap(), 0);
}
