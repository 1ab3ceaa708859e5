// SPDX-License-Identifier: MIT OR Apache-2.0

//! Live progress on standard error, if that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// How far the run is.
pub struct Progress(ProgressBar);

const ONE: &str = "{spinner} {elapsed:>3} {wide_msg}";
const MANY: &str = "{bar:20} {pos}/{len} {wide_msg}";

impl Progress {
    /// For a number of domains. Hidden unless standard error is a terminal.
    pub fn new(domains: usize) -> Self {
        let (bar, template) = match domains {
            1 => (ProgressBar::new_spinner(), ONE),
            _ => (ProgressBar::new(domains as u64), MANY),
        };
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        })
    }

    /// What is looked at now.
    pub fn note(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }

    /// A domain is done.
    pub fn done(&self, domain: &str) {
        self.0.set_message(domain.to_owned());
        self.0.inc(1);
    }

    /// Prints without disturbing the display.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }

    /// Takes the display away.
    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}
