// SPDX-License-Identifier: MIT OR Apache-2.0

//! The operator's own policies (R-APPLY-3), from a folder, before what the lab's domains publish.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use common::{DOMAIN, lab, lines, log, options};
use mtasts::{
    Action, Basis, Certificate, Config, Dane, MAX_BODY, Mode, Outcome, Policy, PolicyDomain,
    Session, Tls,
};
use mtasts_host::{DefaultHost, LocalPolicies, OpenError, Options};
use mtasts_lab::{Lab, block_on};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const FILE: &str = "good.example.txt";
const EXEMPT: &str = "version: STSv1\nmode: none\nmax_age: 60\n";

fn text(mode: &str, mx: &str) -> String {
    format!("version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: 60\n")
}

/// A folder with these files.
fn folder<T: AsRef<[u8]>>(files: &[(&str, T)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn with_policies(lab: &Lab, folder: &Path) -> DefaultHost {
    let options = Options {
        local_policies: Some(folder.to_owned()),
        ..options(lab)
    };
    DefaultHost::open(options).unwrap()
}

fn domain() -> PolicyDomain {
    DOMAIN.parse().unwrap()
}

fn resolve(host: &DefaultHost) -> Outcome {
    host.blocking().resolve(domain(), &Config::default())
}

fn mode(outcome: &Outcome) -> Option<Mode> {
    outcome.policy().map(Policy::mode)
}

/// What is done with a host that offers no TLS.
fn action(outcome: &Outcome, mx_host: &str) -> Action {
    let session = Session {
        mx_host,
        tls: Tls::NotOffered,
        dane: Dane::NotUsed,
        mx_secure: false,
    };
    outcome.verdict(&session).action
}

/// The faults, the folder's path left out.
fn faults(folder: &Path) -> Vec<String> {
    let error = LocalPolicies::read(folder).unwrap_err();
    assert_eq!(error.to_string(), error.faults().join("\n"));
    let prefix = format!("{}/", folder.display());
    let faults = error.faults().iter();
    faults.map(|fault| fault.replace(&prefix, "")).collect()
}

#[test]
fn r_apply_3_an_exempt_domain_is_delivered_to_without_tls() {
    let (lab, folder) = (lab(), folder(&[(FILE, EXEMPT)]));
    let host = common::host(&lab);
    assert_eq!(action(&resolve(&host), "mx1.good.example"), Action::Defer);
    let asked = lab.count("*", "").unwrap();
    let host = with_policies(&lab, folder.path());
    let outcome = resolve(&host);
    assert_eq!((outcome.basis(), outcome.reason()), (Basis::Local, None));
    assert_eq!(action(&outcome, "mx1.good.example"), Action::Deliver);
    assert_eq!(lab.count("*", "").unwrap(), asked); // nobody is asked
}

#[test]
fn r_apply_3_a_demoted_domain_is_delivered_to_and_reported() {
    let (lab, folder) = (lab(), folder(&[(FILE, text("testing", "*.good.example"))]));
    let outcome = resolve(&with_policies(&lab, folder.path()));
    assert_eq!(mode(&outcome), Some(Mode::Testing));
    let verdict = outcome.verdict(&Session {
        mx_host: "mx1.good.example",
        tls: Tls::NotOffered,
        dane: Dane::NotUsed,
        mx_secure: false,
    });
    assert_eq!(verdict.action, Action::Deliver);
    assert!(verdict.result.is_some());
}

#[test]
fn r_apply_3_a_pinned_policy_needs_no_network_and_goes_before_the_store() {
    let (lab, store) = (lab(), tempfile::tempdir().unwrap());
    let folder = folder(&[(FILE, text("enforce", "pinned.example"))]);
    let open = |local_policies| {
        let options = Options {
            store: Some(store.path().to_owned()),
            local_policies,
            ..options(&lab)
        };
        DefaultHost::open(options).unwrap()
    };
    assert_eq!(resolve(&open(None)).basis(), Basis::Fresh);
    lab.set(DOMAIN, "dns=timeout").unwrap();
    let host = open(Some(folder.path().to_owned()));
    let outcome = resolve(&host);
    let session = Session {
        mx_host: "pinned.example",
        tls: Tls::Established(Certificate::Valid),
        dane: Dane::NotUsed,
        mx_secure: false,
    };
    assert_eq!(outcome.verdict(&session).action, Action::Deliver);
    assert_eq!(action(&outcome, "mx1.good.example"), Action::Defer);
    let stored = host.store().unwrap().load(DOMAIN).unwrap().unwrap();
    assert!(stored.contains("mx1.good.example"), "{stored}"); // for when the file is gone
}

#[test]
fn r_apply_3_whichever_way_one_asks() {
    let (lab, folder) = (lab(), folder(&[(FILE, EXEMPT)]));
    let host = with_policies(&lab, folder.path());
    let config = Config::default();
    let by_engine = mtasts::resolve(domain(), &config, &mut host.blocking());
    let by_future = block_on(host.resolve(domain(), &config)).unwrap();
    for outcome in [by_engine, by_future, resolve(&host)] {
        assert_eq!(outcome.basis(), Basis::Local);
    }
    assert_eq!(host.local(&domain()).unwrap().text(), EXEMPT);
    assert!(common::host(&lab).local(&domain()).is_none());
}

#[test]
fn r_flow_7_a_subdomain_does_not_inherit() {
    let (lab, folder) = (lab(), folder(&[(FILE, EXEMPT)]));
    let host = with_policies(&lab, folder.path());
    for other in ["sub.good.example", "example", "xgood.example"] {
        assert!(host.local(&other.parse().unwrap()).is_none(), "{other}");
    }
}

#[test]
fn r_dom_1_file_names_are_domains_as_people_write_them() {
    let folder = folder(&[
        ("BÜCHER.example.txt", EXEMPT),
        ("Good.Example.TXT", EXEMPT),
        ("xn--mnchen-3ya.example.txt", EXEMPT),
    ]);
    let policies = LocalPolicies::read(folder.path()).unwrap();
    let domains: Vec<_> = policies.iter().map(|(domain, _)| domain).collect();
    let expected = [
        "good.example",
        "xn--bcher-kva.example",
        "xn--mnchen-3ya.example",
    ];
    assert_eq!(domains, expected);
    assert_eq!((policies.len(), policies.is_empty()), (3, false));
    assert!(policies.get("good.example").is_some());
    assert!(policies.get("Good.Example").is_none());
}

#[test]
fn what_is_no_policy_file_is_passed_over() {
    let names = [
        ".good.example.txt",
        ".txt",
        "#good.example.txt",
        "#good.example.txt#",
        "~good.example.txt",
        "good.example",
        "good.example.bak",
        "good.example.txt~",
        "README",
    ];
    let folder = folder(&names.map(|name| (name, "garbage")));
    fs::create_dir(folder.path().join("folder.example.txt")).unwrap();
    fs::create_dir(folder.path().join("a b.txt")).unwrap();
    fs::write(folder.path().join(OsStr::from_bytes(b"\xFF")), "garbage").unwrap();
    assert!(LocalPolicies::read(folder.path()).unwrap().is_empty());
}

#[test]
fn what_is_tolerated_in_a_policy_is_told() {
    let lenient = EXEMPT.replace("mode", "\nmx: a_b.example\nmode");
    let (lab, folder) = (
        lab(),
        folder(&[("a.example.txt", lenient), (FILE, EXEMPT.into())]),
    );
    let path = folder.path().join("a.example.txt");
    let expected = [
        ":2:1: blank line: skipped, but RFC 8461 allows none",
        ":3:5: mx has an underscore, which no host name has: the line is ignored",
    ]
    .map(|warning| format!("{}{warning}", path.display()));
    let policies = LocalPolicies::read(folder.path()).unwrap();
    assert_eq!(policies.warnings(), expected);
    let (log, told) = log();
    let options = Options {
        local_policies: Some(folder.path().to_owned()),
        log,
        ..options(&lab)
    };
    let host = DefaultHost::open(options).unwrap();
    let expected = expected.map(|warning| format!("local policies: {warning}"));
    assert_eq!(lines(&told), expected);
    host.reread_local_policies().unwrap();
    assert_eq!(lines(&told), [&expected[..], &expected[..]].concat());
}

#[test]
fn every_fault_of_every_file_is_told() {
    let folder = folder(&[
        ("a_b.example.txt", EXEMPT),
        (
            "mode.example.txt",
            "version: STSv1\nmode: nothing\nmax_age: 60\n",
        ),
        (
            "mx.example.txt",
            "version: STSv1\nmode: enforce\nmax_age: 60\n",
        ),
        ("no policy.txt", "garbage"),
        (FILE, EXEMPT),
    ]);
    let host = "not a host name of letters, digits and '-' (A-labels), 253 octets at most";
    let name = format!("the file's name is not a domain and '.txt': {host}");
    assert_eq!(
        faults(folder.path()),
        [
            &format!("a_b.example.txt: {name}"),
            "mode.example.txt:2:7: mode is not 'enforce', 'testing' or 'none'",
            "mx.example.txt:1:1: no usable mx field, which the modes enforce and testing need",
            "no policy.txt:1:1: this line is not a field: expected a name, a colon and a value",
            &format!("no policy.txt: {name}"),
        ]
    );
}

#[test]
fn two_files_for_one_domain_are_a_fault() {
    let folder = folder(&[
        ("bücher.example.txt", EXEMPT),
        ("xn--bcher-kva.example.txt", "garbage"),
        ("XN--bcher-kva.example.txt", EXEMPT),
    ]);
    let taken = "xn--bcher-kva.example has a policy in XN--bcher-kva.example.txt already";
    let field = "this line is not a field: expected a name, a colon and a value";
    assert_eq!(
        faults(folder.path()),
        [
            format!("bücher.example.txt: {taken}"),
            format!("xn--bcher-kva.example.txt:1:1: {field}"),
            format!("xn--bcher-kva.example.txt: {taken}"),
        ]
    );
}

#[test]
fn r_pol_7_a_file_of_more_than_64_kib_is_refused() {
    let padded = |len: usize| {
        let pad = len - EXEMPT.len() - "x: \n".len();
        format!("{EXEMPT}x: {}\n", "p".repeat(pad))
    };
    let most = folder(&[(FILE, padded(MAX_BODY))]);
    assert_eq!(LocalPolicies::read(most.path()).unwrap().len(), 1);
    let more = folder(&[(FILE, padded(MAX_BODY + 1))]);
    let told = faults(more.path());
    assert!(
        told[0].ends_with(": the policy is larger than 64 KiB"),
        "{told:?}"
    );
    assert!(told[0].starts_with(&format!("{FILE}:4:")), "{told:?}");
}

#[test]
fn files_and_folders_that_cannot_be_read() {
    let folder = folder(&[("good.example.txt", EXEMPT)]);
    let path = folder.path();
    symlink("nowhere", path.join("lost.example.txt")).unwrap();
    let _socket = UnixListener::bind(path.join("socket.example.txt")).unwrap();
    fs::write(
        path.join(OsStr::from_bytes(b"b\xFCcher.example.txt")),
        EXEMPT,
    )
    .unwrap();
    fs::write(path.join("a\nb.txt"), EXEMPT).unwrap();
    let told = faults(path);
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[0].starts_with("a?b.txt: the file's name is not a domain"));
    assert_eq!(
        told[1],
        "b\u{FFFD}cher.example.txt: the file's name is not UTF-8"
    );
    assert!(told[2].starts_with("lost.example.txt: No such file or directory"));
    assert_eq!(told[3], "socket.example.txt: not a regular file");
    for (missing, why) in [
        (path.join("nowhere"), "No such file or directory"),
        (path.join(FILE), "Not a directory"),
    ] {
        let error = LocalPolicies::read(&missing).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{}: {why}", missing.display())),
            "{error}"
        );
    }
}

#[test]
fn an_empty_folder_is_none_of_them() {
    let (lab, folder) = (lab(), tempfile::tempdir().unwrap());
    assert_eq!(
        resolve(&with_policies(&lab, folder.path())).basis(),
        Basis::Fresh
    );
}

#[test]
fn a_host_does_not_open_with_policies_that_are_not_legal() {
    let lab = lab();
    let folder = folder(&[(FILE, "mode: none\n")]);
    let options = Options {
        local_policies: Some(folder.path().to_owned()),
        ..options(&lab)
    };
    let error = DefaultHost::open(options).unwrap_err();
    assert!(matches!(error, OpenError::LocalPolicies(_)));
    let path = folder.path().join(FILE);
    let expected = format!(
        "local policies: {}:1:1: there is no version field",
        path.display()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn r_apply_3_the_folder_is_read_again_when_told_and_a_bad_file_changes_nothing() {
    let (lab, folder) = (lab(), folder(&[(FILE, EXEMPT)]));
    let (path, host) = (folder.path(), with_policies(&lab, folder.path()));
    fs::write(path.join(FILE), text("testing", "*.good.example")).unwrap();
    assert_eq!(mode(&resolve(&host)), Some(Mode::None)); // not before it is told
    host.reread_local_policies().unwrap();
    assert_eq!(mode(&resolve(&host)), Some(Mode::Testing));

    fs::write(path.join(FILE), EXEMPT).unwrap();
    fs::write(path.join("other.example.txt"), "garbage").unwrap();
    let error = host.reread_local_policies().unwrap_err();
    assert_eq!(error.faults().len(), 1);
    assert_eq!(mode(&resolve(&host)), Some(Mode::Testing));

    fs::remove_file(path.join("other.example.txt")).unwrap();
    fs::remove_file(path.join(FILE)).unwrap();
    host.reread_local_policies().unwrap();
    assert_eq!(resolve(&host).basis(), Basis::Fresh);

    drop(folder);
    assert!(host.reread_local_policies().is_err());
    common::host(&lab).reread_local_policies().unwrap(); // without a folder
}

#[test]
fn r_flow_6_looking_again_sees_the_policies_as_they_are_now() {
    let (lab, folder, store) = (
        lab(),
        folder(&[(FILE, EXEMPT)]),
        tempfile::tempdir().unwrap(),
    );
    let (path, config) = (folder.path().join(FILE), Config::default());
    let options = Options {
        store: Some(store.path().to_owned()),
        local_policies: Some(folder.path().to_owned()),
        ..options(&lab)
    };
    let host = DefaultHost::open(options).unwrap();
    let again = |outcome: &Outcome| {
        let by_future = block_on(host.look_again(outcome, &config)).unwrap();
        let blocking = host.blocking().look_again(outcome, &config);
        assert_eq!(by_future.policy(), blocking.policy());
        blocking
    };
    let local = resolve(&host);
    assert_eq!(again(&local).basis(), Basis::Local);
    fs::write(&path, text("testing", "*.good.example")).unwrap();
    host.reread_local_policies().unwrap();
    assert_eq!(mode(&again(&local)), Some(Mode::Testing));
    assert_eq!(lab.count("dns", "").unwrap(), 0);

    fs::remove_file(&path).unwrap();
    host.reread_local_policies().unwrap();
    let discovered = again(&local);
    assert_eq!(mode(&discovered), Some(Mode::Enforce));
    let asked = lab.count("dns", "type=TXT").unwrap();
    assert_eq!(asked, 2); // the second time in spite of the record's TTL

    fs::write(&path, EXEMPT).unwrap();
    host.reread_local_policies().unwrap();
    assert_eq!(again(&discovered).basis(), Basis::Local);
}

#[test]
fn threads_read_while_others_read_the_folder_again() {
    let (lab, folder) = (lab(), folder(&[(FILE, EXEMPT)]));
    let host = Arc::new(with_policies(&lab, folder.path()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..50).for_each(|_| host.reread_local_policies().unwrap()));
            scope.spawn(|| (0..5000).for_each(|_| assert!(host.local(&domain()).is_some())));
        }
    });
}
