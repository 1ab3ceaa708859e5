// SPDX-License-Identifier: MIT OR Apache-2.0

//! Colours. While a table is laid out, characters of no width stand for them, which no other text
//! has ([`super::facts::shown`]); the last step makes escape sequences of them.

use super::finding::Severity;
use super::judge::Status;
use anstyle::{AnsiColor, Reset, Style};
use comfy_table::{ContentArrangement, Table, presets};
use std::io::{self, IsTerminal};

const GOOD: char = '\u{2061}';
const DOUBTFUL: char = '\u{2062}';
const BAD: char = '\u{2063}';
const END: char = '\u{2064}';

/// Green.
pub fn good(text: &str) -> String {
    format!("{GOOD}{text}{END}")
}

/// Yellow.
pub fn doubtful(text: &str) -> String {
    format!("{DOUBTFUL}{text}{END}")
}

/// Red.
pub fn bad(text: &str) -> String {
    format!("{BAD}{text}{END}")
}

/// By its severity.
pub fn severe(severity: Severity, text: &str) -> String {
    match severity {
        Severity::Notice => text.to_owned(),
        Severity::Warning | Severity::Unknown => doubtful(text),
        Severity::Error => bad(text),
    }
}

/// By the status.
pub fn status(status: Status, text: &str) -> String {
    match status {
        Status::Ok => good(text),
        other => severe(other.severity(), text),
    }
}

/// A table without lines. On a terminal it is as wide as that, and elsewhere as wide as it likes.
pub fn table() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    if let Some(width) = width() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
    }
    table
}

fn width() -> Option<u16> {
    let out = io::stdout();
    let is_terminal = out.is_terminal();
    let size = rustix::termios::tcgetwinsize(out).ok();
    size.filter(|size| is_terminal && size.ws_col > 0)
        .map(|size| size.ws_col)
}

/// Text as a paragraph, indented by two, of lines as long as the terminal is wide.
pub fn wrapped(text: &str) -> String {
    wrapped_at(text, width().map_or(usize::MAX, usize::from))
}

fn wrapped_at(text: &str, width: usize) -> String {
    let (mut paragraph, mut column) = (String::from(" "), 1);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 1 && column + 1 + length > width {
            paragraph += "\n ";
            column = 1;
        }
        paragraph += " ";
        paragraph += word;
        column += 1 + length;
    }
    paragraph + "\n"
}

/// Text with escape sequences for its colours.
pub fn coloured(text: &str) -> String {
    let mut coloured = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            GOOD => coloured += &colour(AnsiColor::Green),
            DOUBTFUL => coloured += &colour(AnsiColor::Yellow),
            BAD => coloured += &colour(AnsiColor::Red),
            END => coloured += &Reset.render().to_string(),
            c => coloured.push(c),
        }
    }
    coloured
}

fn colour(colour: AnsiColor) -> String {
    let style: Style = colour.on_default().bold();
    style.render().to_string()
}

#[cfg(test)]
mod tests {
    use super::wrapped_at;

    #[test]
    fn paragraphs_are_wrapped_between_words() {
        assert_eq!(wrapped_at("one two three", 9), "  one two\n  three\n");
        assert_eq!(wrapped_at("one two three", 8), "  one\n  two\n  three\n");
        assert_eq!(wrapped_at("unbreakable", 5), "  unbreakable\n");
        assert_eq!(wrapped_at("one two three", usize::MAX), "  one two three\n");
    }
}
