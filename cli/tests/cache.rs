// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts cache` beside a running server: what it shows is what the server knows, and what it
//! does the server does.

#![expect(unsafe_code, reason = "changes its user")]
#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod serve_world;

use mtasts_host::store::{Entry, Store};
use mtasts_lab::Lab;
use serde_json::{Value, json};
use serve_world::{Server, http, mtasts, text, wait_until};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

const SCENE: &str = r#"
[[domain]]
name = "good.example"
id = "1"
policy = "enforce"
mx = ["mx.good.example"]

[[domain]]
name = "xn--mnchen-3ya.example"
id = "1"
policy = "testing"

[[domain]]
name = "plain.example"
"#;

const SECURE: &str = "OK secure match=mx.good.example servername=hostname";

/// `top` for a server without a store.
const NO_STORE: &str = "# no store = ...";

/// `mtasts cache` with the configuration of this server.
fn cache(server: &Server, arguments: &[&str]) -> (i32, String, String) {
    let config = server.path("mtasts.toml");
    mtasts(&[&["cache"], arguments, &["--config", text(&config)]].concat())
}

fn lines_of_json(text: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap();
    text.lines().map(parse).collect()
}

/// The domains of `list --json` and the like.
fn domains(text: &str) -> Vec<String> {
    let name = |value: &Value| value["domain"].as_str().unwrap().to_owned();
    lines_of_json(text).iter().map(name).collect()
}

/// Puts something into the store that is no entry.
fn corrupt(server: &Server, domain: &str) {
    let store = Store::open(&server.path("store")).unwrap();
    let entry = Entry {
        domain,
        text: "what is this?",
        fetched_at: 0,
        useless_after: u64::MAX,
    };
    assert!(store.save(&entry, 1).unwrap());
}

/// A server that has been asked for all domains of the scene.
fn asked(lab: &Lab, top: &str) -> Server {
    let server = Server::start(lab, top, "");
    assert_eq!(server.ask("postfix good.example"), SECURE);
    assert_eq!(server.ask("postfix xn--mnchen-3ya.example"), "NOTFOUND ");
    assert_eq!(server.ask("postfix plain.example"), "NOTFOUND ");
    // That there is no policy is saved after it was answered.
    wait_until("it is saved", || {
        cache(&server, &["show", "plain.example"]).0 == 0
    });
    server
}

#[test]
fn list_has_the_domains_with_a_policy_in_columns() {
    let lab = Lab::start(SCENE).unwrap();
    let server = asked(&lab, "");
    let (status, out, err) = cache(&server, &["list"]);
    assert_eq!((status, err.as_str()), (0, ""));
    let rows: Vec<Vec<&str>> = out.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows.len(), 2, "{out}");
    assert_eq!(rows[0][..3], ["good.example", "enforce", "1"]);
    assert!(rows[0][3].ends_with("ago") || rows[0][3] == "now", "{out}");
    assert!(rows[0][4].starts_with("in "), "{out}");
    assert_eq!(rows[0][5], "-");
    assert_eq!(rows[1][..2], ["xn--mnchen-3ya.example", "testing"]);
    let (status, out, _) = cache(&server, &["list", "--all"]);
    assert_eq!(status, 0);
    assert!(out.ends_with("plain.example\t-\t-\t-\t-\t-\n"), "{out}");
}

#[test]
fn export_has_all_that_is_known_from_the_store_and_from_memory() {
    let lab = Lab::start(SCENE).unwrap();
    let (stored, unstored) = (asked(&lab, ""), asked(&lab, NO_STORE));
    for (server, arguments) in [
        (&stored, vec!["export"]),
        (&stored, vec!["export", "--memory"]),
        (&unstored, vec!["export"]),
        (&unstored, vec!["list", "--all", "--json"]),
    ] {
        let (status, out, err) = cache(server, &arguments);
        assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
        let mut all = lines_of_json(&out);
        all.sort_by_key(|value| value["domain"].to_string());
        assert_eq!(all.len(), 3, "{out}");
        let policy = &all[0]["policy"];
        assert_eq!(policy["mx"], json!(["mx.good.example"]));
        let policy_text = policy["text"].as_str().unwrap();
        assert!(policy_text.starts_with("version: STSv1"), "{policy_text}");
        assert_eq!(all[0]["applies"], true);
        assert_eq!(all[0]["attempts"][0]["id"], "1");
        assert_eq!(all[1]["policy"], Value::Null);
        assert_eq!(all[1]["record"]["id"], Value::Null);
        assert!(all[1]["record"]["until"].as_u64().unwrap() > 0);
    }
}

#[test]
fn show_has_everything_of_a_domain_and_converts_names() {
    let lab = Lab::start(SCENE).unwrap();
    for top in ["", NO_STORE] {
        let server = asked(&lab, top);
        let (status, out, _) = cache(&server, &["show", "Good.Example.", "m\u{fc}nchen.example"]);
        assert_eq!(status, 0);
        assert!(out.starts_with("good.example\n  policy    mode enforce, max_age "));
        assert!(out.contains("\n  id        1\n  fetched   20"), "{out}");
        assert!(out.contains("\n  record    id 1, to be looked at again 20"));
        assert!(out.contains("\n    version: STSv1\n    mode: enforce\n"));
        assert!(out.contains("\nxn--mnchen-3ya.example\n  policy    mode testing"));
        let (status, out, _) = cache(&server, &["show", "plain.example", "--json"]);
        assert_eq!((status, domains(&out)), (0, vec!["plain.example".into()]));
        let (status, out, err) = cache(&server, &["show", "unknown.example", "good.example"]);
        assert_eq!(status, 1);
        assert!(err.contains("unknown.example: nothing is known"), "{err}");
        assert!(out.starts_with("good.example\n"));
        assert_eq!(cache(&server, &["show", "[192.0.2.1]"]).0, 2);
    }
}

#[test]
fn r_flow_5_refresh_finds_a_policy_that_changed_under_the_same_id() {
    let lab = Lab::start(SCENE).unwrap();
    let server = asked(&lab, "");
    let (status, out, _) = cache(&server, &["refresh", "good.example"]);
    assert_eq!(status, 0);
    assert!(out.starts_with("good.example: unchanged: id 1, mode enforce, "));
    lab.set("good.example", "policy=testing").unwrap();
    assert_eq!(server.ask("postfix good.example"), SECURE);
    let (status, out, _) = cache(&server, &["refresh", "GOOD.example"]);
    assert_eq!(status, 0);
    assert!(
        out.starts_with("good.example: changed: id 1, mode enforce, ")
            && out.contains(" → id 1, mode testing, "),
        "{out}"
    );
    assert_eq!(server.ask("postfix good.example"), "NOTFOUND ");
    let (_, out, _) = cache(&server, &["show", "good.example"]);
    assert!(out.contains("mode testing"), "the store has it too: {out}");
}

#[test]
fn refresh_says_what_failed_and_list_that_it_is_not_tried_again() {
    let lab = Lab::start(SCENE).unwrap();
    let server = asked(&lab, "");
    lab.set("good.example", "https=wrong-name").unwrap();
    let (status, out, _) = cache(&server, &["refresh", "--all"]);
    assert_eq!(status, 1);
    let mut lines: Vec<_> = out.lines().collect();
    lines.sort_unstable();
    assert!(
        lines[0].starts_with(
            "good.example: failed: the policy host's certificate is not valid; \
             still: id 1, mode enforce, "
        ),
        "{out}"
    );
    assert!(lines[1].starts_with("xn--mnchen-3ya.example: unchanged: "));
    assert_eq!(lines.len(), 2, "those with a policy");
    let (_, out, _) = cache(&server, &["list"]);
    assert!(out.contains("\twebpki, again in "), "{out}");
    let (_, out, _) = cache(&server, &["show", "good.example"]);
    let said = "\n  back-off  the policy host's certificate is not valid; none before 20";
    assert!(out.contains(said), "{out}");
    assert_eq!(server.ask("postfix good.example"), SECURE);
}

#[test]
fn refresh_of_a_domain_without_a_policy_is_no_failure() {
    let lab = Lab::start(SCENE).unwrap();
    let server = Server::start(&lab, "", "");
    let (status, out, _) = cache(&server, &["refresh", "plain.example", "--json"]);
    let report = &lines_of_json(&out)[0];
    assert_eq!(
        (status, &report["reason"], &report["previous"]),
        (0, &json!("no-record"), &Value::Null)
    );
    let (status, out, _) = cache(&server, &["refresh", "good.example"]);
    assert_eq!(status, 0);
    assert!(out.starts_with("good.example: new: id 1, "), "{out}");
}

#[test]
fn purge_makes_the_server_forget_and_look_up_again() {
    let lab = Lab::start(SCENE).unwrap();
    for top in ["", NO_STORE] {
        lab.set("good.example", "policy=enforce").unwrap();
        let server = asked(&lab, top);
        lab.set("good.example", "policy=testing").unwrap();
        assert_eq!(server.ask("postfix good.example"), SECURE, "from memory");
        let (status, out, _) = cache(&server, &["purge", "good.example", "unknown.example"]);
        assert_eq!(status, 0);
        let mut lines: Vec<_> = out.lines().collect();
        lines[..2].sort_unstable();
        let summary = "1 domain purged; it is not protected until its next look-up";
        let expected = ["good.example: purged", "unknown.example: nothing was known"];
        assert_eq!(lines, [expected[0], expected[1], summary]);
        assert_eq!(cache(&server, &["show", "good.example"]).0, 1);
        assert_eq!(cache(&server, &["show", "good.example", "--memory"]).0, 1);
        assert_eq!(server.ask("postfix good.example"), "NOTFOUND ");
    }
}

#[test]
fn purge_all_is_of_memory_and_store_and_wants_to_be_meant() {
    let lab = Lab::start(SCENE).unwrap();
    let server = asked(&lab, "");
    let (status, _, err) = cache(&server, &["purge", "--all"]);
    assert_eq!(status, 2);
    assert!(err.contains("--yes"), "{err}");
    assert_eq!(domains(&cache(&server, &["export"]).1).len(), 3);
    // Only in memory: somebody has emptied the store under the server.
    let store = server.path("store");
    mtasts(&["cache", "purge", "good.example", "--store", text(&store)]);
    assert_eq!(server.ask("postfix good.example"), SECURE);
    let (status, out, _) = cache(&server, &["purge", "--all", "--yes", "--json"]);
    assert_eq!(status, 0);
    assert!(
        lines_of_json(&out)
            .iter()
            .all(|line| line["was_known"] == true)
    );
    assert_eq!(domains(&out).len(), 3);
    for place in ["--memory", "--json"] {
        assert_eq!(cache(&server, &["list", "--all", place]).1, "", "{place}");
    }
    assert_eq!(
        cache(&server, &["purge", "--all", "--yes"]).1,
        "nothing purged\n"
    );
}

#[test]
fn purge_all_asks_on_a_terminal() {
    let lab = Lab::start(SCENE).unwrap();
    let server = asked(&lab, "");
    let config = server.path("mtasts.toml");
    let (program, config) = (env!("CARGO_BIN_EXE_mtasts"), text(&config));
    let on_terminal = |answer: &str| {
        let command = format!("{program} cache purge --all --config {config}");
        let line = format!("echo {answer} | script -qec '{command}' /dev/null");
        let output = Command::new("sh").args(["-c", &line]).output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(shown.contains("Forget all 3 domains? "), "{shown}");
        output.status.code().unwrap()
    };
    assert_eq!(on_terminal("no"), 1);
    assert_eq!(domains(&cache(&server, &["export"]).1).len(), 3);
    assert_eq!(on_terminal("y"), 0);
    assert_eq!(cache(&server, &["export"]).1, "");
}

#[test]
fn a_corrupt_entry_is_told_and_can_be_purged() {
    let lab = Lab::start(SCENE).unwrap();
    let server = Server::start(&lab, "", "");
    assert_eq!(server.ask("postfix good.example"), SECURE);
    corrupt(&server, "plain.example");
    let answer = server.ask("postfix plain.example");
    assert!(answer.starts_with("TEMP "), "{answer}");
    let hint = "`mtasts cache purge plain.example` removes the entry";
    for arguments in [&["list"][..], &["export"], &["show", "plain.example"]] {
        let (status, _, err) = cache(&server, arguments);
        assert_eq!(status, 1, "{arguments:?}");
        assert!(
            err.contains("entry of plain.example: ") && err.contains(hint),
            "{err}"
        );
    }
    let (_, out, _) = cache(&server, &["list"]);
    assert!(
        out.starts_with("good.example\t"),
        "the others are listed: {out}"
    );
    let (status, out, _) = cache(&server, &["purge", "plain.example"]);
    assert_eq!(status, 0);
    assert!(out.starts_with("plain.example: purged\n"), "{out}");
    assert_eq!(server.ask("postfix plain.example"), "NOTFOUND ");
    assert_eq!(cache(&server, &["list", "--all"]).0, 0);
}

#[test]
fn r_apply_3_a_local_policy_stays_and_is_shown() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let local = dir.path().join("local");
    std::fs::create_dir(&local).unwrap();
    let server = Server::start_in(dir, &lab, &format!("local_policies = {local:?}"), "");
    assert_eq!(server.ask("postfix good.example"), SECURE);
    let policy = "version: STSv1\nmode: none\nmax_age: 60\n";
    std::fs::write(local.join("good.example.txt"), policy).unwrap();
    let (_, out, _) = cache(&server, &["show", "good.example"]);
    assert!(out.contains("\n  local     mode none, "), "{out}");
    let (_, out, _) = cache(&server, &["refresh", "good.example"]);
    assert!(
        out.trim_end().ends_with("; a local policy comes before it"),
        "{out}"
    );
    let (_, out, _) = cache(&server, &["purge", "good.example"]);
    assert!(
        out.starts_with("good.example: purged; its local policy stays\n"),
        "{out}"
    );
}

#[test]
fn only_the_servers_user_gets_at_the_control_socket() {
    let lab = Lab::start(SCENE).unwrap();
    let server = asked(&lab, NO_STORE);
    let control = server.path("control");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&control), 0o600);
    std::fs::set_permissions(&control, PermissionsExt::from_mode(0o000)).unwrap();
    for subcommand in [&["list"][..], &["purge", "good.example"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mtasts"));
        command.arg("cache").args(subcommand).arg("--config");
        command.arg(server.path("mtasts.toml"));
        // SAFETY: a system call between fork and exec. Root without CAP_DAC_OVERRIDE (1) is like
        // everybody else; who is not root cannot drop it and need not.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_CAPBSET_DROP, 1, 0, 0, 0);
                Ok(())
            })
        };
        let output = command.output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{err}");
        assert!(
            err.contains("run this as root or as the user of the server"),
            "{err}"
        );
    }
    assert_eq!(server.ask("postfix good.example"), SECURE);
}

#[test]
fn nothing_but_the_control_socket_takes_orders() {
    let lab = Lab::start(SCENE).unwrap();
    let server = asked(&lab, "");
    for (method, path) in [
        ("POST", "/v1/purge?domain=good.example"),
        ("POST", "/v1/refresh?domain=good.example"),
        ("GET", "/v1/entries"),
    ] {
        assert_eq!(http(&server.http, method, path).0, 404, "{path}");
    }
    let control = server.path("control");
    for (method, path, expected) in [
        ("GET", "/v1/purge?domain=good.example", 405),
        ("POST", "/v1/purge", 400),
        (
            "POST",
            "/v1/purge?domain=good.example&domain=plain.example",
            400,
        ),
        ("POST", "/v1/purge?domain=good.example&dry_run=1", 400),
        ("POST", "/v1/purge?all=1", 400),
        ("POST", "/v1/purge?domain=[192.0.2.1]", 400),
        ("POST", "/v1/entries", 405),
        ("GET", "/v1/entries?domain=unknown.example", 200),
        ("GET", "/healthz", 200),
    ] {
        assert_eq!(http(text(&control), method, path).0, expected, "{path}");
    }
    assert_eq!(domains(&cache(&server, &["export", "--memory"]).1).len(), 3);
}
