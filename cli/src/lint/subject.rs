// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is looked at: policies from files, and records from the command line.

use super::remark::{Level, Remark};
use super::{Arguments, Linted, Said};
use mtasts::{Error, MAX_BODY, Policy, PolicyId, Record, Warning, tlsrpt};
use mtasts_publish::Draft;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A text and where it is from.
pub struct Subject {
    /// The file's name, or the option.
    pub name: String,
    pub kind: Kind,
    pub text: Vec<u8>,
}

/// What a text is to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Policy,
    Record,
    Tlsrpt,
}

impl Kind {
    /// The key of its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "file",
            Self::Record => "record",
            Self::Tlsrpt => "tlsrpt",
        }
    }
}

/// All that the command line names; those that cannot be read say why.
pub fn all(arguments: &Arguments) -> impl Iterator<Item = Result<Subject, String>> {
    let files = arguments.files.iter().map(|file| from_file(file));
    let option = |kind: Kind| {
        move |text: &String| {
            Ok(Subject {
                name: format!("--{}", kind.as_str()),
                kind,
                text: text.clone().into_bytes(),
            })
        }
    };
    let records = arguments.record.iter().map(option(Kind::Record));
    files
        .chain(records)
        .chain(arguments.tlsrpt.iter().map(option(Kind::Tlsrpt)))
}

fn from_file(file: &Path) -> Result<Subject, String> {
    let name = file.display().to_string();
    match read(file) {
        Ok(text) => Ok(Subject {
            name,
            kind: Kind::Policy,
            text,
        }),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

/// The file, as far as it matters: one octet more than a policy may have shows that it is too
/// large.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    let limit = MAX_BODY as u64 + 1;
    if file.as_os_str() == "-" {
        io::stdin().lock().take(limit).read_to_end(&mut body)?;
    } else {
        File::open(file)?.take(limit).read_to_end(&mut body)?;
    }
    Ok(body)
}

impl Subject {
    /// Reads it as a sender does.
    pub fn lint(self) -> Linted {
        let mut remarks = Vec::new();
        let said = match self.kind {
            Kind::Policy => self.policy(&mut remarks),
            Kind::Record => self.said(Record::parse(&self.text), &mut remarks, |record| {
                let id = record.policy_id();
                Ok(Said::Record(PolicyId::as_str(&id?).to_owned()))
            }),
            Kind::Tlsrpt => {
                let record = tlsrpt::Record::parse(&self.text);
                self.said(record, &mut remarks, |record| {
                    let rua = record.rua().iter().map(|uri| (*uri).to_owned());
                    Ok(Said::Tlsrpt(rua.collect()))
                })
            }
        };
        remarks.sort_by_key(|remark| remark.offset);
        Linted {
            subject: self,
            said,
            remarks,
        }
    }

    fn policy(&self, remarks: &mut Vec<Remark>) -> Said {
        let parsed = Policy::parse_with(&self.text, |warning: Warning| {
            remarks.push(Remark::of_warning(&self.text, &warning));
            Ok(())
        });
        if let Ok(Ok(written)) = parsed.as_ref().map(|policy| Draft::of(policy).write()) {
            let advice = written.advice().into_iter();
            remarks.extend(advice.map(|advice| Remark::of_advice(&self.text, advice)));
        }
        self.said(parsed, remarks, |policy| Ok(Said::Policy(policy)))
    }

    fn said<T>(
        &self,
        parsed: Result<T, Error>,
        remarks: &mut Vec<Remark>,
        say: impl FnOnce(T) -> Result<Said, Error>,
    ) -> Said {
        parsed.and_then(say).unwrap_or_else(|error| {
            remarks.push(Remark::of_error(&self.text, error));
            Said::Nothing
        })
    }
}

impl Linted {
    /// What keeps senders from reading it.
    pub fn error(&self) -> Option<&Remark> {
        let mut remarks = self.remarks.iter();
        remarks.find(|remark| remark.level == Level::Error)
    }
}
