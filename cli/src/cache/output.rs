// SPDX-License-Identifier: MIT OR Apache-2.0

//! Standard output, a line at a time and however many there are. Whoever reads may stop reading;
//! that is no failure of ours.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Stdout, Write};

/// Standard output.
pub struct Output {
    out: BufWriter<Stdout>,
    pub is_terminal: bool,
    failed: Option<io::Error>,
}

impl Output {
    pub fn new() -> Self {
        let out = io::stdout();
        Self {
            is_terminal: out.is_terminal(),
            out: BufWriter::with_capacity(65_536, out),
            failed: None,
        }
    }

    /// Writes a line, sooner or later.
    pub fn line(&mut self, text: &str) {
        if self.failed.is_none() {
            self.failed = writeln!(self.out, "{text}").err();
        }
    }

    /// Shows what was written so far.
    pub fn flush(&mut self) {
        if self.failed.is_none() {
            self.failed = self.out.flush().err();
        }
    }

    /// Whether nobody reads any more.
    pub fn has_ended(&self) -> bool {
        self.failed.is_some()
    }

    /// Shows everything.
    pub fn end(&mut self) -> Result<(), String> {
        self.flush();
        match self.failed.take() {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(format!("cannot write the answer: {error}"))
            }
            _ => Ok(()),
        }
    }
}
