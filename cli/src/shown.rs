// SPDX-License-Identifier: MIT OR Apache-2.0

//! Text of unknown origin, made visible.

/// One line for a terminal: nothing in it is obeyed.
pub fn shown(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets);
    let one = |c: char| match c {
        c if c.is_ascii_graphic() || c == ' ' => c.to_string(),
        c if c.is_alphanumeric() => c.to_string(),
        c => c.escape_default().to_string(),
    };
    text.chars().take(MAX_SHOWN).map(one).collect()
}

/// Whether a terminal may obey it: a control character, or one that turns the writing around.
pub fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// JSON without such characters in its texts.
pub fn json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match is_obeyed(c) && c != '\n' {
            true => safe += &format!("\\u{:04x}", u32::from(c)),
            false => safe.push(c),
        }
    }
    safe
}

/// The most characters of one text that are shown.
const MAX_SHOWN: usize = 500;

#[cfg(test)]
mod tests {
    use super::json;

    #[test]
    fn json_says_the_same_and_no_terminal_obeys_it() {
        let text = "a\u{9b}31m\u{7f}\u{202e}\u{2066}ü\"\\\n";
        let written = json(&serde_json::Value::from(text).to_string());
        assert!(!written.contains(['\u{9b}', '\u{7f}', '\u{202e}', '\u{2066}']));
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }
}
