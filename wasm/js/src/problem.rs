// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is wrong with an input, or tolerated in it, and where: the errors and warnings of the
//! engine, and what JavaScript code gets as an exception.

use mtasts::{Error, ErrorKind, Position, Warning};
use std::fmt::Debug;
use wasm_bindgen::prelude::*;

/// An error or a warning of the engine.
#[wasm_bindgen]
pub struct Problem {
    kind: String,
    message: &'static str,
    /// The octet, from 0.
    pub offset: u32,
    /// The line, from 1; 0 where the text is not known.
    pub line: u32,
    /// The character in the line, from 1; 0 where the text is not known.
    pub column: u32,
}

#[wasm_bindgen]
impl Problem {
    /// The kind in lower case with `-`, such as `mx-missing`.
    #[wasm_bindgen(getter)]
    pub fn kind(&self) -> String {
        self.kind.clone()
    }

    /// One line for a person.
    #[wasm_bindgen(getter)]
    pub fn message(&self) -> String {
        self.message.to_owned()
    }
}

impl Problem {
    /// An error in `text`.
    pub(crate) fn within(text: &[u8], error: Error) -> Self {
        Self::at(Position::of(text, error.offset()), error)
    }

    /// An error in a text of one line of ASCII, as records are.
    pub(crate) fn in_one_line(error: Error) -> Self {
        let column = error.offset() + 1;
        Self::at(Position { line: 1, column }, error)
    }

    /// An error in a text that is no longer at hand, or that is about none.
    pub(crate) fn somewhere(error: Error) -> Self {
        Self::at(Position { line: 0, column: 0 }, error)
    }

    /// An error at a place that is known.
    pub(crate) fn at(position: Position, error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Strict(warning) => kebab(warning),
            kind => kebab(kind),
        };
        Self::new(kind, error.kind().as_str(), error.offset(), position)
    }

    fn new(kind: String, message: &'static str, offset: usize, position: Position) -> Self {
        Self {
            kind,
            message,
            offset: number(offset),
            line: number(position.line),
            column: number(position.column),
        }
    }
}

impl From<Warning> for Problem {
    fn from(warning: Warning) -> Self {
        let Warning {
            kind,
            offset,
            position,
        } = warning;
        Self::new(kebab(kind), kind.as_str(), offset, position)
    }
}

fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// `MxNotAscii` → `mx-not-ascii`.
fn kebab(name: impl Debug) -> String {
    let mut word = String::new();
    for letter in format!("{name:?}").chars() {
        if letter.is_ascii_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

/// What a function throws.
pub enum Thrown {
    /// A field of a form that was refused.
    #[cfg(feature = "publish")]
    Field(crate::publish::FieldProblem),
    /// A problem with the input.
    Problem(Problem),
    /// A mistake of the calling program.
    Misuse(String),
}

impl From<Thrown> for JsValue {
    fn from(thrown: Thrown) -> Self {
        match thrown {
            #[cfg(feature = "publish")]
            Thrown::Field(problem) => problem.into(),
            Thrown::Problem(problem) => problem.into(),
            Thrown::Misuse(message) => message.into(),
        }
    }
}

impl From<Problem> for Thrown {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}
