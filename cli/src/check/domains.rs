// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which domains to check: those named and those in files, each once.

use mtasts::PolicyDomain;
use mtasts_host::to_policy_domain;
use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The largest file that is read.
const MAX_FILE: u64 = 64 << 20;

/// The domains, in the order in which they are given.
///
/// # Errors
/// What is no domain, with file and line; a file that cannot be read; no domain at all.
pub fn read(named: &[String], files: &[PathBuf]) -> Result<Vec<PolicyDomain>, String> {
    let mut domains = Vec::new();
    for name in named {
        domains.push(domain(name).map_err(|error| format!("{name}: {error}"))?);
    }
    for file in files {
        let shown = file.display();
        let text = text(file).map_err(|error| format!("{shown}: {error}"))?;
        for (index, line) in text.lines().enumerate() {
            let name = line.split('#').next().unwrap_or_default().trim();
            if !name.is_empty() {
                let at = index + 1;
                domains.push(domain(name).map_err(|error| format!("{shown}:{at}: {error}"))?);
            }
        }
    }
    let mut known = HashSet::new();
    domains.retain(|domain| known.insert(domain.clone()));
    match domains.is_empty() {
        true => Err("no domain to check: name one, or give a file with one a line".to_owned()),
        false => Ok(domains),
    }
}

fn domain(name: &str) -> Result<PolicyDomain, String> {
    if name.contains('@') {
        return Err("a mail address: give the domain after the @".to_owned());
    }
    to_policy_domain(name).map_err(|error| error.to_string())
}

fn text(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    match file.as_os_str() == "-" {
        true => std::io::stdin()
            .lock()
            .take(MAX_FILE)
            .read_to_string(&mut text)?,
        false => std::fs::File::open(file)?
            .take(MAX_FILE)
            .read_to_string(&mut text)?,
    };
    Ok(text)
}
