// SPDX-License-Identifier: MIT OR Apache-2.0

//! The help teaches: it fits a screen, each subcommand shows how it is used, and completions and manual
//! pages say the same.

#![allow(clippy::unwrap_used)] // a test that cannot go on, fails

use std::process::{Command, Output};

fn mtasts(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mtasts"))
        .args(words)
        .output()
        .unwrap()
}

fn help(words: &[&str]) -> String {
    let output = mtasts(&[words, &["--help"]].concat());
    assert_eq!(output.status.code(), Some(0), "{words:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The names under `Commands:`.
fn subcommands(help: &str) -> Vec<String> {
    let after = help.split("Commands:\n").nth(1).unwrap_or_default();
    let lines = after.lines().take_while(|line| line.starts_with("  "));
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_help_fits_a_screen() {
    let help = help(&[]);
    assert!(help.lines().count() <= 24, "{help}");
    assert!(
        help.lines().all(|line| line.chars().count() <= 80),
        "{help}"
    );
}

#[test]
fn every_subcommand_shows_an_example() {
    let names = subcommands(&help(&[]));
    assert!(names.len() >= 7, "{names:?}");
    for name in &names {
        let of_command = help(&[name]);
        assert!(of_command.contains("Example"), "{name}: {of_command}");
        for part in subcommands(&of_command) {
            let of_part = help(&[name, &part]);
            assert!(of_part.contains("Example"), "{name} {part}: {of_part}");
        }
    }
}

#[test]
fn what_is_misspelt_is_guessed() {
    let output = mtasts(&["chek", "example.com"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("'check'"), "{text}");
}

#[test]
fn completions_know_the_subcommands() {
    for shell in ["bash", "zsh", "fish"] {
        let output = mtasts(&["completions", shell]);
        let text = String::from_utf8(output.stdout).unwrap();
        for name in subcommands(&help(&[])) {
            assert!(text.contains(&name), "{shell}: {name}");
        }
    }
    let bash = mtasts(&["completions", "bash"]).stdout;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bash).unwrap();
    let check = Command::new("bash")
        .arg("-n")
        .arg(file.path())
        .status()
        .unwrap();
    assert!(check.success());
}

/// A page is set for any width: options have the names of their values, tables are no filled text, and
/// commands stand as they are typed.
#[test]
fn manual_pages_are_set() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    assert_eq!(mtasts(&["manual", &path]).status.code(), Some(0));
    let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let check = page("mtasts-check.1");
    let title = check.lines().find(|line| line.starts_with(".TH")).unwrap();
    assert!(
        title.starts_with(".TH mtasts\\-check 1 \"\" \"mtasts "),
        "{title}"
    );
    assert!(
        check.contains("[\\fB\\-\\-fail\\-on\\fR \\fISEVERITY\\fR]"),
        "{check}"
    );
    assert!(check.contains(".SH \"EXIT STATUS\"\nExit status, as of Nagios"));
    assert!(check.contains(".TP\n\\fB0\\fR\nok: no finding"), "{check}");
    assert!(check.contains(".SH EXAMPLES\n.nf\nmtasts check example.com\n"));
    let build = page("mtasts-report-build.1");
    assert!(build.contains("failure_reason_code, additional_information\\fR\nof a failure"));
    assert!(build.contains(".PP\nThe mail server signs"));
}

/// The same command gives the same pages, whatever the day.
#[test]
fn manual_pages_are_there_for_each_subcommand() {
    let folder = tempfile::tempdir().unwrap();
    let pages = |name: &str| {
        let folder = folder.path().join(name);
        let path = folder.display().to_string();
        assert_eq!(mtasts(&["manual", &path]).status.code(), Some(0));
        let read = std::fs::read_dir(&folder).unwrap().map(|entry| {
            let entry = entry.unwrap();
            (
                entry.file_name(),
                std::fs::read_to_string(entry.path()).unwrap(),
            )
        });
        let mut pages: Vec<_> = read.collect();
        pages.sort();
        pages
    };
    let first = pages("a");
    assert_eq!(first, pages("b"));
    std::fs::write(folder.path().join("b/ls.1"), "of others\n.SH EXTRA\n").unwrap();
    let again = pages("b");
    let others: Vec<_> = again.iter().filter(|page| !first.contains(page)).collect();
    assert_eq!(others[0].1, "of others\n.SH EXTRA\n");
    assert_eq!(others.len(), 1);
    for name in subcommands(&help(&[])) {
        let page = first
            .iter()
            .find(|(file, _)| file.to_str() == Some(&format!("mtasts-{name}.1")));
        assert!(
            page.is_some_and(|(_, text)| text.contains(".SH EXAMPLES") && text.contains("SEE ALSO")),
            "{name}"
        );
    }
    assert!(
        first
            .iter()
            .any(|(file, _)| file.to_str() == Some("mtasts.1"))
    );
}
