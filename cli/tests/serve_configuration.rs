// SPDX-License-Identifier: MIT OR Apache-2.0

//! The configuration of `mtasts serve`: what `--check-config` accepts, and what it says of faults.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod serve_world;

use mtasts_lab::Lab;
use serve_world::{Server, configure, mtasts, reconfigure, text};
use std::fs;
use std::path::Path;

const EXAMPLE: &str = include_str!("../etc/mtasts.toml");

/// `mtasts serve --check-config` on `DIR/mtasts.toml` with this text, in which `DIR` stands for
/// the directory: status, standard output, standard error.
fn check(dir: &Path, config: &str) -> (i32, String, String) {
    let file = dir.join("mtasts.toml");
    fs::write(&file, config.replace("DIR", text(dir))).unwrap();
    mtasts(&["serve", "--check-config", "--config", text(&file)])
}

/// The example with paths that are there.
fn example(dir: &Path) -> String {
    fs::create_dir_all(dir.join("store")).unwrap();
    EXAMPLE
        .replace("\"/var/lib/mtasts\"", "\"DIR/store\"")
        .replace("\"/run/mtasts/", "\"DIR/")
}

/// The example with every key, those that are there as comments included.
fn whole_example(dir: &Path) -> String {
    let is_key = |line: &str| {
        let rest = line.strip_prefix('#').unwrap_or_default();
        rest.starts_with("[[")
            || rest.split(" = ").next().is_some_and(is_word) && rest.contains(" = ")
    };
    let lines = example(dir);
    let lines = lines.lines().map(|line| match is_key(line) {
        true => &line[1..],
        false => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn is_word(word: &str) -> bool {
    !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_ascii_lowercase() || "_0123456789".contains(c))
}

#[test]
fn the_example_that_is_installed_is_good() {
    let dir = tempfile::tempdir().unwrap();
    let config = example(dir.path());
    let (status, out, err) = check(dir.path(), &config);
    let file = dir.path().join("mtasts.toml");
    assert_eq!(out, format!("{}: good\n", file.display()), "{err}");
    assert_eq!((status, err.as_str()), (0, ""));
}

#[test]
fn the_example_has_every_key_with_its_default() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("policies")).unwrap();
    let whole = whole_example(dir.path());
    let (version, level) = ("postfix = \"3.4\"", "smtp_tls_security_level");
    assert!(whole.contains(&format!("\n{level} = \"may\"")));
    let whole = whole
        .replace("\"/etc/mtasts/policies\"", "\"DIR/policies\"")
        .replace(version, "postfix = \"3.10\""); // which that level wants
    let whole = whole.replace("store_ca_file =", "# store_ca_file ="); // a file for Redis alone
    let (status, out, err) = check(dir.path(), &whole);
    assert_eq!(status, 0, "{out}{err}\n{whole}");
    // Each key of the structures in config.rs, which refuse others.
    let source = include_str!("../src/serve/config.rs");
    let (_, structures) = source.split_once("pub struct Config {").unwrap();
    let (structures, _) = structures.split_once("pub enum Kind").unwrap();
    let fields = structures.lines().filter_map(|line| {
        let (name, _) = line.trim().strip_prefix("pub ")?.split_once(": ")?;
        is_word(name).then_some(name)
    });
    let keys: Vec<_> = fields.filter(|name| *name != "is_control").collect();
    assert!(keys.len() > 25, "{keys:?}");
    for key in keys {
        let named = |name: &str| {
            EXAMPLE.lines().any(|line| {
                let line = line.strip_prefix('#').unwrap_or(line);
                line.starts_with(&format!("{name} = "))
                    || line == format!("[{name}]")
                    || line == format!("[[{name}]]")
            })
        };
        let name = if key == "kind" { "type" } else { key };
        assert!(named(name), "{name} is not in mtasts.toml");
    }
}

#[test]
fn the_values_in_the_example_are_the_defaults() {
    // A server that was started without these keys has nothing to say when they are given.
    let lab = Lab::start("[[domain]]\nname = \"good.example\"\n").unwrap();
    let mut server = Server::start(&lab, "", "");
    let whole = whole_example(&server.path(""));
    let value = |key: &str| {
        let is_it = |line: &&str| line.starts_with(&format!("{key} = "));
        whole.lines().find(is_it).unwrap().to_owned()
    };
    for (table, keys) in [
        ("", "enforce_percent defer_on_dns_failure"),
        (
            "cache",
            "max_policies max_without_policy refresh_after max_refreshes",
        ),
        ("log", "level format"),
        ("network", "dane fetch_timeout max_lookups"),
        ("listen", "max_connections idle_timeout"),
    ] {
        let lines: Vec<_> = keys.split(' ').map(value).collect();
        let lines = lines.join("\n");
        match table {
            "" => server.reconfigure("control =", &format!("{lines}\ncontrol =")),
            "network" => server.reconfigure("[network]", &format!("[network]\n{lines}")),
            "listen" => {
                let map = "[[listen]]\ntype = \"socketmap\"";
                server.reconfigure(map, &format!("{map}\n{lines}"));
            }
            _ => server.reconfigure("[network]", &format!("[{table}]\n{lines}\n[network]")),
        }
    }
    server.reload();
    let log = server.logged();
    assert!(!log.contains("takes a restart"), "{log}");
    assert!(log.contains("reloaded changed=\"\""), "{log}");
    server.reconfigure("max_lookups = ", "max_lookups = 1");
    server.reload();
    let log = server.logged();
    assert!(log.contains("takes a restart"), "{log}");
    assert!(log.contains("network.max_lookups"), "{log}");
}

/// A configuration with its fault, and what the message has.
const FAULTS: &[(&str, &[&str])] = &[
    (
        "storage = \"/x\"\n",
        &["line 1, column 1", "unknown field `storage`"],
    ),
    (
        "[log]\ncolour = true\n",
        &["line 2, column 1", "unknown field `colour`"],
    ),
    ("[log]\nlevel = \"loud\"\n", &["line 2, column 9"]),
    (
        "[log]\nformat = \"xml\"\n",
        &["line 2, column 10", "unknown variant `xml`"],
    ),
    (
        "[cache]\nrefresh_after = \"0s\"\n",
        &["line 2", "\"0s\" is no time such as"],
    ),
    (
        "[cache]\nrefresh_after = \"4m\"\n",
        &["line 2, column 17", "too often"],
    ),
    (
        "[cache]\nrefresh_after = 5\n",
        &["line 2", "invalid type: integer"],
    ),
    (
        "[network]\ndns_timeout = \"soon\"\n",
        &["line 2", "\"soon\" is no time such as"],
    ),
    (
        "[network]\nmax_lookups = 0\n",
        &["line 2", "0 is not from 1 to "],
    ),
    (
        "[network]\nmax_lookups = 9223372036854775807\n",
        &["line 2", " is not from 1 to "],
    ),
    (
        "[network]\nnameservers = [\"ns.example\"]\n",
        &["line 2", "\"ns.example\" is neither ADDRESS"],
    ),
    (
        "[network]\nca_file = \"DIR/no.pem\"\n[[listen]]\ntype = \"http\"\naddress = \"127.0.0.1:1\"\n",
        &["DIR/no.pem"],
    ),
    (
        "enforce_percent = 101\n",
        &["line 1, column 19", "more than 100"],
    ),
    ("enforce_percent = -1\n", &["line 1, column 19"]),
    (
        "control = \"127.0.0.1:1\"\n",
        &["line 1", "not the path of a unix socket"],
    ),
    (
        "control = \"run\"\n",
        &["line 1", "neither ADDRESS:PORT nor the path"],
    ),
    ("store = 5\n", &["line 1, column 9"]),
    ("store = [\n", &["line 1"]),
    ("", &["there is no [[listen]]"]),
    (
        "[[listen]]\ntype = \"http\"\n",
        &["line 1", "missing field `address`"],
    ),
    (
        "[[listen]]\naddress = \"127.0.0.1:1\"\n",
        &["line 1", "missing field `type`"],
    ),
    (
        "[[listen]]\ntype = \"smtp\"\naddress = \"127.0.0.1:1\"\n",
        &["line 2, column 8", "unknown variant `smtp`"],
    ),
    (
        "[[listen]]\ntype = \"http\"\naddress = \"localhost:1\"\n",
        &["line 3, column 11", "\"localhost:1\" is neither"],
    ),
    (
        "[[listen]]\ntype = \"http\"\naddress = \"run/http\"\n",
        &["line 3", "\"run/http\" is neither"],
    ),
    (
        "[[listen]]\ntype = \"http\"\naddress = \"/LONG\"\n",
        &["line 3, column 11"],
    ),
    (
        "[[listen]]\ntype = \"http\"\naddress = \"/x/y\"\nmode = \"0999\"\n",
        &["line 4, column 8", "\"0999\" is no mode"],
    ),
    (
        "[[listen]]\ntype = \"http\"\naddress = \"/x/y\"\nmode = \"7777\"\n",
        &["line 4", "is no mode"],
    ),
    (
        "[[listen]]\ntype = \"http\"\naddress = \"127.0.0.1:1\"\nmode = \"0660\"\n",
        &["127.0.0.1:1", "`mode` is for unix sockets"],
    ),
    (
        "[[listen]]\ntype = \"http\"\naddress = \"127.0.0.1:1\"\nmax_connections = 0\n",
        &["line 4", "0 is not from 1 to "],
    ),
    (
        "[[listen]]\ntype = \"http\"\naddress = \"127.0.0.1:1\"\nidle_timeout = \"0s\"\n",
        &["line 4", "\"0s\" is no time"],
    ),
    (
        "[[listen]]\ntype = \"http\"\naddress = \"127.0.0.1:1\"\npostfix = \"3.4\"\n",
        &["127.0.0.1:1", "not for \"http\""],
    ),
    (
        "[[listen]]\ntype = \"readsocket\"\naddress = \"/x/y\"\nsmtp_tls_security_level = \"may\"\n",
        &["/x/y", "not for \"readsocket\""],
    ),
    (
        "[[listen]]\ntype = \"socketmap\"\naddress = \"/x/y\"\npostfix = \"3.5\"\n",
        &["line 4, column 11", "\"3.5\" is not \"3.0\""],
    ),
    (
        "[[listen]]\ntype = \"socketmap\"\naddress = \"/x/y\"\nsmtp_tls_security_level = \"may\"\n",
        &["/x/y", "wants postfix = \"3.10\""],
    ),
    (
        "[[listen]]\ntype = \"socketmap\"\naddress = \"/x/y\"\npostfix = \"3.10\"\nsmtp_tls_security_level = \"dane\"\n",
        &["line 5", "\"dane\" is not \"may\""],
    ),
    (
        "[[listen]]\ntype = \"http\"\naddress = \"/x/y\"\n[[listen]]\ntype = \"readsocket\"\naddress = \"/x/y\"\n",
        &["/x/y: listed twice"],
    ),
    (
        "control = \"/x/y\"\n[[listen]]\ntype = \"http\"\naddress = \"/x/y\"\n",
        &["/x/y: listed twice"],
    ),
    (
        "store = \"DIR/no\"\n[[listen]]\ntype = \"http\"\naddress = \"/x/y\"\n",
        &["DIR/no"],
    ),
    (
        "local_policies = \"DIR/no\"\n[[listen]]\ntype = \"http\"\naddress = \"/x/y\"\n",
        &["DIR/no: "],
    ),
    (
        "local_policies = \"DIR/policies\"\n[[listen]]\ntype = \"http\"\naddress = \"/x/y\"\n",
        &["DIR/policies/bad.example.txt:2:7: "],
    ),
];

#[test]
fn every_fault_is_told_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let policies = dir.path().join("policies");
    fs::create_dir(&policies).unwrap();
    fs::write(
        policies.join("bad.example.txt"),
        "version: STSv1\nmode: maybe\n",
    )
    .unwrap();
    for (config, words) in FAULTS {
        let config = config.replace("LONG", &"l".repeat(120));
        let (status, out, err) = check(dir.path(), &config);
        assert_eq!((status, out.as_str()), (1, ""), "{config}{err}");
        assert!(err.starts_with("mtasts: "), "{err}");
        let is_of_file = words.iter().any(|word| word.starts_with("DIR"));
        assert!(is_of_file || err.contains("mtasts.toml"), "{config}{err}");
        for word in *words {
            let word = word.replace("DIR", text(dir.path()));
            assert!(err.contains(&word), "no {word:?} for\n{config}\n{err}");
        }
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_told() {
    for file in ["/no/such/file", "/", "/dev/null"] {
        for mode in [
            &["serve", "--check-config", "--config", file][..],
            &["serve", "--config", file],
        ] {
            let (status, out, err) = mtasts(mode);
            assert_eq!((status, out.as_str()), (1, ""), "{err}");
            assert!(err.starts_with(&format!("mtasts: {file}: ")), "{err}");
        }
    }
    assert_eq!(mtasts(&["serve", "--port", "25"]).0, 2);
}

#[test]
fn odd_local_policies_are_warned_of() {
    let lab = Lab::start("[[domain]]\nname = \"good.example\"\n").unwrap();
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("policies")).unwrap();
    let policy = "version: STSv1\nmode: none\n\nmax_age: 60\n";
    fs::write(dir.path().join("policies/odd.example.txt"), policy).unwrap();
    let top = format!("local_policies = \"{}/policies\"", dir.path().display());
    configure(dir.path(), &lab, &top, "");
    let file = dir.path().join("mtasts.toml");
    let (status, out, err) = mtasts(&["serve", "--check-config", "--config", text(&file)]);
    assert_eq!(status, 0, "{err}");
    assert!(out.ends_with(": good\n"));
    assert!(err.contains("warning: "), "{err}");
    assert!(err.contains("odd.example.txt:3:1: "), "{err}");
}

#[test]
fn checking_disturbs_no_server() {
    let lab = Lab::start("[[domain]]\nname = \"good.example\"\n").unwrap();
    let server = Server::start(&lab, "", "");
    let file = server.path("mtasts.toml");
    let arguments = ["serve", "--check-config", "--config", text(&file)];
    assert_eq!(mtasts(&arguments).0, 0);
    assert_eq!(server.get("/healthz").0, 200);
    reconfigure(server.dir.path(), "[network]", "[netwrok]");
    assert_eq!(mtasts(&arguments).0, 1);
}

#[test]
fn what_is_wrong_is_said_without_the_password_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mtasts.toml");
    for line in [
        "stroe = \"redis://user:S3CRET@host\"",
        "store = \"redis://user:S3CRET@host\" x",
        "store = [\"redis://user:S3CRET@host\"]",
        "store = \"redis:/user:S3CRET@host\"",
        "store = \"redis://user:S3CRET@host:port\"",
    ] {
        let listen = "[[listen]]\ntype = \"http\"\naddress = \"/nowhere/http\"\n";
        fs::write(&file, format!("{line}\n{listen}")).unwrap();
        let (status, out, err) = mtasts(&["serve", "--check-config", "--config", text(&file)]);
        assert_eq!(status, 1, "{line}: {out}");
        assert!(!err.contains("S3CRET") && !err.is_empty(), "{err}");
    }
}
