// SPDX-License-Identifier: MIT OR Apache-2.0

//! Remarks as compilers make them: the line that is meant, a caret, and what to do.

use super::remark::{Level, Remark, line};
use super::subject::Kind;
use super::{Linted, Said, describe};
use crate::shown::shown;
use annotate_snippets::{AnnotationKind, Group, Origin, Renderer, Snippet};
use std::ops::Range;

/// Remarks with their lines, and a line about the whole.
pub fn text(linted: &Linted, strict: bool) -> String {
    let renderer = Renderer::styled();
    let mut text = String::new();
    for remark in &linted.remarks {
        let group = group(linted, remark, strict);
        text += &renderer.render(&[group]);
        text += "\n\n";
    }
    text + &summary(linted, strict) + "\n"
}

fn group<'a>(linted: &'a Linted, remark: &'a Remark, strict: bool) -> Group<'a> {
    let name = shown(linted.subject.name.as_bytes());
    let title = level(remark.level.when(strict))
        .primary_title(remark.message)
        .id(&*remark.id);
    let group = match &remark.span {
        Some(span) => {
            let (source, marked) = excerpt(&linted.subject.text, span.clone());
            let snippet = Snippet::source(source)
                .line_start(remark.position.line)
                .path(name)
                .annotation(AnnotationKind::Primary.span(marked));
            title.element(snippet)
        }
        None => title.element(Origin::path(name)),
    };
    let rule = &remark.rule;
    let why = format!("{} ({}, {})", rule.why, rule.rfc, rule.requirement);
    let group = group.element(annotate_snippets::Level::NOTE.message(why));
    match &remark.instead {
        Some(instead) => {
            let help = format!(
                "write instead: {}",
                instead.replace('\n', "\n               ")
            );
            group.element(annotate_snippets::Level::HELP.message(help))
        }
        None => group,
    }
}

const fn level(level: Level) -> annotate_snippets::Level<'static> {
    match level {
        Level::Note => annotate_snippets::Level::NOTE,
        Level::Warning => annotate_snippets::Level::WARNING,
        Level::Error => annotate_snippets::Level::ERROR,
    }
}

/// The line of what is meant, made visible, and where in it that is.
fn excerpt(text: &[u8], span: Range<usize>) -> (String, Range<usize>) {
    let line = line(text, span.start);
    let part = |range: Range<usize>| shown(text.get(range).unwrap_or_default());
    let before = part(line.start..span.start);
    let meant = part(span.clone());
    let marked = before.len()..before.len() + meant.len();
    (before + &meant + &part(span.end..line.end), marked)
}

fn summary(linted: &Linted, strict: bool) -> String {
    let name = shown(linted.subject.name.as_bytes());
    let count = |level: Level| {
        let remarks = linted.remarks.iter();
        remarks.filter(|remark| remark.level == level).count()
    };
    let warnings = match count(Level::Warning) {
        0 => String::new(),
        1 => " (1 warning)".to_owned(),
        number => format!(" ({number} warnings)"),
    };
    let word = match linted.is_valid(strict) {
        true => "valid",
        false => "not valid",
    };
    match said(&linted.said) {
        Some(said) => format!("{name}: {word}{warnings}: {said}"),
        None => {
            let what = match linted.subject.kind {
                Kind::Policy => "senders take it for no policy",
                Kind::Record | Kind::Tlsrpt => "senders take it for no record",
            };
            format!("{name}: not valid{warnings}: {what}")
        }
    }
}

fn said(said: &Said) -> Option<String> {
    Some(match said {
        Said::Policy(policy) => describe(policy),
        Said::Record(id) => format!("id {id}"),
        Said::Tlsrpt(rua) => format!("reports go to {}", rua.join(" ")),
        Said::Nothing => return None,
    })
}

/// A line a remark, as editors and scripts read them, and one about the whole.
pub fn short(linted: &Linted, strict: bool) -> String {
    let name = shown(linted.subject.name.as_bytes());
    let mut text = String::new();
    for remark in &linted.remarks {
        let (line, column) = (remark.position.line, remark.position.column);
        let level = remark.level.when(strict).as_str();
        text += &format!(
            "{name}:{line}:{column}: {level}: {} [{}]\n",
            remark.message, remark.id
        );
    }
    text + &summary(linted, strict) + "\n"
}
