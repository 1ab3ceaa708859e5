// SPDX-License-Identifier: MIT OR Apache-2.0

//! The messages of an mbox file, one after the other, however large the file is and whatever one of
//! them pretends to be.

use std::io::{self, BufRead, Read};

/// A message begins after a line that begins with this, which is the file's first or follows a
/// blank one (RFC 4155).
const FROM: &[u8] = b"From ";

/// A message, or that it is larger than `limit`.
pub type Message = Result<Vec<u8>, TooLarge>;

/// A message that was passed over.
pub struct TooLarge;

pub struct Messages<R> {
    from: R,
    limit: usize,
    /// The line that begins with `FROM` has been read.
    is_open: bool,
}

impl<R: BufRead> Messages<R> {
    pub fn new(from: R, limit: usize) -> Self {
        Self {
            from,
            limit,
            is_open: false,
        }
    }

    /// The next message; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<Message>> {
        let mut message = Vec::new();
        let (mut after_blank, mut is_whole, mut is_at_start) = (true, true, true);
        loop {
            let begin = message.len();
            if self.piece(&mut message)? == 0 {
                let was_open = std::mem::take(&mut self.is_open);
                return Ok(was_open.then(|| whole(message, is_whole)));
            }
            let piece = &message[begin..];
            let ends = piece.ends_with(b"\n");
            let is_separator = is_at_start && after_blank && piece.starts_with(FROM);
            after_blank = is_at_start && matches!(piece, b"\n" | b"\r\n");
            is_at_start = ends;
            if is_separator {
                self.skip_line(ends)?;
                is_at_start = true;
                message.truncate(begin);
                if std::mem::replace(&mut self.is_open, true) {
                    return Ok(Some(whole(message, is_whole)));
                }
            } else if message.len() > self.limit {
                message.clear();
                is_whole = false;
            }
        }
    }

    /// Appends a line, or a part of a long one; how many octets these are.
    fn piece(&mut self, message: &mut Vec<u8>) -> io::Result<usize> {
        let mut piece = self.from.by_ref().take(65_536);
        piece.read_until(b'\n', message)
    }

    fn skip_line(&mut self, mut has_ended: bool) -> io::Result<()> {
        let mut rest = Vec::new();
        while !has_ended {
            rest.clear();
            has_ended = self.piece(&mut rest)? == 0 || rest.ends_with(b"\n");
        }
        Ok(())
    }
}

fn whole(message: Vec<u8>, is_whole: bool) -> Message {
    if is_whole { Ok(message) } else { Err(TooLarge) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages; `None` for one that is too large.
    fn split(text: &str, limit: usize) -> Vec<Option<String>> {
        let mut messages = Messages::new(text.as_bytes(), limit);
        std::iter::from_fn(|| messages.next().unwrap())
            .map(|message| {
                message
                    .ok()
                    .map(|octets| String::from_utf8(octets).unwrap())
            })
            .collect()
    }

    #[test]
    fn messages_are_what_is_between_lines_from() {
        let two = "From a\nA: 1\n\nFrom here on\nx\n\nFrom b\nB: 2\n\nno\nFrom here\n";
        let expected = [
            "A: 1\n\n".to_owned(),
            "x\n\n".into(),
            "B: 2\n\nno\nFrom here\n".into(),
        ];
        assert_eq!(split(two, 99), expected.map(Some));
        assert_eq!(split("", 9), []);
        assert_eq!(split("From x", 9), [Some(String::new())]);
    }

    #[test]
    fn a_message_that_is_too_large_is_passed_over_alone() {
        let text = format!(
            "From a\n{}\n\nFrom {}\nB: 2\n",
            "x".repeat(300_000),
            "y".repeat(200_000)
        );
        assert_eq!(split(&text, 100_000), [None, Some("B: 2\n".into())]);
    }
}
