// SPDX-License-Identifier: MIT OR Apache-2.0

//! What clap_mangen leaves to be done of a manual page: its title, the values in the synopsis, the end of
//! the help set for any width, files, and other pages.

use clap::{Arg, Command};
use std::fmt::Write as _;

/// The page of a (sub)command, of what clap_mangen has made of it.
pub fn finish(made: &str, command: &Command, page: &str) -> String {
    let made = made.split("\n.SH VERSION\n").next().unwrap_or(made);
    let (start, extra) = made.split_once("\n.SH EXTRA\n").unwrap_or((made, ""));
    let mut text = String::new();
    let mut previous = "";
    for line in start.lines() {
        let line = match previous {
            ".SH SYNOPSIS" => synopsis(line, command),
            _ if line.starts_with(".TH ") => title(page),
            _ => line.to_owned(),
        };
        text += &line;
        text.push('\n');
        previous = if line == ".SH SYNOPSIS" {
            ".SH SYNOPSIS"
        } else {
            ""
        };
    }
    let blocks = extra.trim_end().split("\n\n");
    text += &blocks.map(set).collect::<String>();
    if page == "mtasts-serve" {
        text += FILES;
    }
    text + &see_also(page)
}

fn title(page: &str) -> String {
    let (name, version) = (escaped(page), env!("CARGO_PKG_VERSION"));
    format!(".TH {name} 1 \"\" \"mtasts {version}\" \"MTA\\-STS for mail software\"")
}

/// Options with the names of their values.
fn synopsis(line: &str, command: &Command) -> String {
    let name = |arg: &Arg| {
        let names = arg.get_value_names()?;
        let takes = arg.get_action().takes_values() && !arg.is_positional();
        (takes && arg.get_long().is_some()).then(|| names.join(" "))
    };
    let mut line = line.trim_end().to_owned();
    for arg in command.get_arguments() {
        if let (Some(value), Some(long)) = (name(arg), arg.get_long()) {
            for end in [']', '>'] {
                let option = format!("\\fB{}\\fR{end}", escaped(&format!("--{long}")));
                let shown = option.replace(end, &format!(" \\fI{value}\\fR{end}"));
                line = line.replace(&option, &shown);
            }
        }
    }
    line
}

/// A block of the help: commands stand as they are, rows of a table become paragraphs with a tag, all
/// else is filled.
fn set(block: &str) -> String {
    let mut text = String::from(match block {
        "" => return String::new(),
        _ if block.starts_with("Example") => return examples(block),
        _ if block.starts_with("Exit status") => ".SH \"EXIT STATUS\"\n",
        _ if block.starts_with("JSON") || block.starts_with('{') => ".SH JSON\n.ad l\n.nh\n",
        _ => ".SH NOTES\n.ad l\n.nh\n",
    });
    let mut tag = String::new();
    let mut rows = false;
    for line in block.lines() {
        let indent = line.len() - line.trim_start().len();
        let words = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = words.replace(",\"", ",\\:\"");
        match indent {
            0 => {
                text += if rows { ".PP\n" } else { "" };
                rows = false;
                let _ = writeln!(text, "{}", guarded(&words));
            }
            2 => match split_row(line) {
                Some((name, meaning)) => {
                    let _ = write!(text, ".TP\n\\fB{tag}{name}\\fR\n{}\n", guarded(&meaning));
                    tag.clear();
                    rows = true;
                }
                None => tag = format!("{tag}{words} "),
            },
            _ => {
                let _ = writeln!(text, "{}", guarded(&words));
            }
        }
    }
    text
}

/// What is explained in a row, and the explanation: two spaces are between them, or a colon.
fn split_row(line: &str) -> Option<(&str, String)> {
    let row = line.trim_start();
    let (name, meaning) = row.split_once("  ").or_else(|| row.split_once(": "))?;
    Some((
        name,
        meaning.split_whitespace().collect::<Vec<_>>().join(" "),
    ))
}

fn examples(block: &str) -> String {
    let (first, rest) = block.split_once('\n').unwrap_or((block, ""));
    let first = first.split_once(':').map_or("", |(_, after)| after.trim());
    let mut text = String::from(".SH EXAMPLES\n.nf\n");
    let mut goes_on = false;
    for line in std::iter::once(first).chain(rest.lines()) {
        if !line.trim().is_empty() {
            let indent = if goes_on { "    " } else { "" };
            let _ = writeln!(text, "{indent}{}", guarded(line.trim()));
        }
        goes_on = line.ends_with('\\');
    }
    text + ".fi\n"
}

/// A line that begins like a request to roff is none.
fn guarded(line: &str) -> String {
    let request = line.starts_with(['.', '\'']);
    format!("{}{line}", if request { "\\&" } else { "" })
}

fn escaped(name: &str) -> String {
    name.replace('-', r"\-")
}

const FILES: &str = r#".SH FILES
.TP
.I /etc/mtasts/mtasts.toml
The configuration, mtasts.toml(5).
.TP
.I /var/lib/mtasts
The store of the example configuration: policies, which outlive the server.
.TP
.I /run/mtasts/control
The socket by which
.B mtasts cache refresh
reaches the server.
"#;

fn see_also(page: &str) -> String {
    let others = match page {
        "mtasts" => {
            r"mtasts\-check (1), mtasts\-serve (1), mtasts.toml (5), mtasts_table (5), mtasts (7)"
        }
        "mtasts-serve" => {
            r"mtasts\-cache (1), mtasts\-query (1), mtasts.toml (5), mtasts_table (5), mtasts (7), systemctl (1)"
        }
        _ => r"mtasts (1), mtasts (7)",
    };
    let lines: Vec<_> = others
        .split(", ")
        .map(|other| format!(".BR {other}"))
        .collect();
    format!(".SH \"SEE ALSO\"\n{}\n", lines.join(",\n"))
}
