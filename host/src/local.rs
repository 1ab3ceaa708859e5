// SPDX-License-Identifier: MIT OR Apache-2.0

//! The operator's own policies (R-APPLY-3): a folder of RFC 8461 policy files `<domain>.txt`.
//! Each sets aside what its domain publishes: it pins a policy, exempts the domain (mode `none`)
//! or demotes it (mode `testing`).

use crate::{DefaultHost, Level, to_policy_domain};
use arc_swap::ArcSwap;
use mtasts::{Error, MAX_BODY, Policy, PolicyDomain, Position};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{self, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The policies in a folder, as they were when it was read.
///
/// A file's name is a domain in A-labels or U-labels, in any case, and `.txt`. Sub-folders, names
/// that begin with `.`, `#` or `~`, and those that do not end in `.txt` are passed over. A policy
/// is for the domain itself; its subdomains inherit nothing (R-FLOW-7). `max_age` has to be there
/// and means nothing: a policy applies as long as its file is there.
#[derive(Clone, Debug, Default)]
pub struct LocalPolicies {
    policies: BTreeMap<String, Arc<Policy>>,
    warnings: Vec<String>,
}

impl LocalPolicies {
    /// Reads the folder. Whoever reads it again makes a new value, and keeps the old one where
    /// that fails.
    ///
    /// # Errors
    /// The folder cannot be read; or a file cannot, is no legal policy or larger than 64 KiB
    /// (R-POL-7), its name is no domain, or another file is for the same domain.
    pub fn read(folder: &Path) -> Result<Self, LocalError> {
        let files = files(folder).map_err(|error| LocalError {
            faults: vec![format!("{}: {error}", shown(folder))],
        })?;
        let mut reading = Reading::default();
        files.iter().for_each(|path| reading.file(path));
        reading.finish()
    }

    /// The policy for the domain, lower-case A-labels without a final dot.
    pub fn get(&self, domain: &str) -> Option<&Arc<Policy>> {
        self.policies.get(domain)
    }

    /// How many policies there are.
    pub fn len(&self) -> usize {
        self.policies.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// The domains and their policies, in the order of the domains.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Arc<Policy>)> {
        let policies = self.policies.iter();
        policies.map(|(domain, policy)| (domain.as_str(), policy))
    }

    /// What in the files is tolerated (R-POL-5), `path:line:column: message` each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Why local policies cannot be used. Its text has a line for each fault of each file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalError {
    faults: Vec<String>,
}

impl LocalError {
    /// The faults, at least one: `path:line:column: message`, or `path: message` where it is not
    /// the text that is at fault, but the file, its name or the folder.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }
}

impl fmt::Display for LocalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.faults.join("\n"))
    }
}

impl std::error::Error for LocalError {}

impl DefaultHost {
    /// The operator's own policy for `domain`, if there is one (R-APPLY-3). No I/O.
    pub fn local(&self, domain: &PolicyDomain) -> Option<Arc<Policy>> {
        self.local_named(domain.as_str())
    }

    /// Reads the folder of local policies again; without one there is nothing to do. Look-ups go
    /// on meanwhile, with the old policies.
    ///
    /// # Errors
    /// As [`LocalPolicies::read`]; the old policies stay, all of them.
    pub fn reread_local_policies(&self) -> Result<(), LocalError> {
        if let Some(folder) = &self.local {
            folder.reread()?;
            self.log_local_warnings();
        }
        Ok(())
    }

    pub(crate) fn local_named(&self, domain: &str) -> Option<Arc<Policy>> {
        let current = self.local.as_ref()?.current.load();
        current.policies.get(domain).cloned()
    }

    pub(crate) fn log_local_warnings(&self) {
        let Some(folder) = &self.local else { return };
        for warning in folder.current.load().policies.warnings() {
            self.log
                .write(Level::Warning, format_args!("local policies: {warning}"));
        }
    }
}

/// A host's folder, and what was in it when it was last read. There is no lock: one that another
/// thread held at the time of a `fork` would never be released in the child.
#[derive(Debug)]
pub(crate) struct LocalFolder {
    /// Absolute, for a daemon changes its working directory.
    path: PathBuf,
    /// How often reading has begun.
    readings: AtomicU64,
    current: ArcSwap<Current>,
}

#[derive(Debug)]
struct Current {
    /// The number of the reading that gave it.
    reading: u64,
    policies: LocalPolicies,
}

impl LocalFolder {
    pub fn open(path: &Path) -> Result<Self, LocalError> {
        let path = path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let policies = LocalPolicies::read(&path)?;
        Ok(Self {
            path,
            readings: AtomicU64::new(0),
            current: ArcSwap::from_pointee(Current {
                reading: 0,
                policies,
            }),
        })
    }

    /// Of several at one time, the one that began last counts.
    fn reread(&self) -> Result<(), LocalError> {
        let reading = self.readings.fetch_add(1, Ordering::SeqCst) + 1;
        let policies = LocalPolicies::read(&self.path)?;
        let new = Arc::new(Current { reading, policies });
        self.current.rcu(|current| {
            let newest = match current.reading < reading {
                true => &new,
                false => current,
            };
            Arc::clone(newest)
        });
        Ok(())
    }
}

/// A folder that is being read.
#[derive(Default)]
struct Reading<'a> {
    found: LocalPolicies,
    faults: Vec<String>,
    /// Which file is for a domain.
    files: BTreeMap<String, &'a Path>,
}

impl<'a> Reading<'a> {
    fn file(&mut self, path: &'a Path) {
        let content = match read(path) {
            Ok(Some(content)) => content,
            Ok(None) => return,
            Err(error) => return self.fault(path, &error.to_string()),
        };
        let policy = self.policy(path, &content);
        let domain = self.domain(path);
        if let (Some(policy), Some(domain)) = (policy, domain) {
            self.found.policies.insert(domain, Arc::new(policy));
        }
    }

    fn policy(&mut self, path: &Path, content: &[u8]) -> Option<Policy> {
        let warnings = &mut self.found.warnings;
        let parsed = Policy::parse_with(content, |warning| {
            warnings.push(located(path, warning.position, warning.kind.as_str()));
            Ok(())
        });
        let fault = |error: Error| {
            let position = Position::of(content, error.offset());
            located(path, position, &error.to_string())
        };
        parsed.map_err(|error| self.faults.push(fault(error))).ok()
    }

    /// The domain that the file's name says, if no other file is for it.
    fn domain(&mut self, path: &'a Path) -> Option<String> {
        let domain = match domain(path) {
            Ok(domain) => domain,
            Err(message) => {
                self.fault(path, &message);
                return None;
            }
        };
        match self.files.entry(domain.clone()) {
            Entry::Vacant(free) => free.insert(path),
            Entry::Occupied(taken) => {
                let message = format!("{domain} has a policy in {} already", shown(taken.get()));
                self.fault(path, &message);
                return None;
            }
        };
        Some(domain)
    }

    fn fault(&mut self, path: &Path, message: &str) {
        self.faults.push(format!("{}: {message}", shown(path)));
    }

    fn finish(self) -> Result<LocalPolicies, LocalError> {
        match self.faults.is_empty() {
            true => Ok(self.found),
            false => Err(LocalError {
                faults: self.faults,
            }),
        }
    }
}

/// The files whose names say that they are policies, and folders that are called so, in the
/// order of their names.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if is_for_policies(&name) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// Whether it ends in `.txt` and is neither hidden nor what an editor leaves behind.
fn is_for_policies(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    stem(name).is_some() && !matches!(name, [b'.' | b'#' | b'~', ..])
}

/// What is before `.txt`, in any case: a file whose name is in capitals is not to be lost.
fn stem(name: &[u8]) -> Option<&[u8]> {
    let (stem, ending) = name.split_last_chunk::<4>()?;
    ending.eq_ignore_ascii_case(b".txt").then_some(stem)
}

/// The domain that the file's name says.
fn domain(path: &Path) -> Result<String, String> {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let stem = str::from_utf8(stem(name).unwrap_or_default())
        .map_err(|_| "the file's name is not UTF-8".to_owned())?;
    let domain = to_policy_domain(stem)
        .map_err(|error| format!("the file's name is not a domain and '.txt': {error}"))?;
    Ok(domain.to_string())
}

/// The content of a file, as far as it matters: one octet more than a policy may have shows that
/// it is too large. None of a folder.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Ok(None);
    }
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file")); // whose writer we would wait for
    }
    let mut content = Vec::new();
    let limit = MAX_BODY as u64 + 1;
    File::open(path)?.take(limit).read_to_end(&mut content)?;
    Ok(Some(content))
}

fn located(path: &Path, position: Position, message: &str) -> String {
    let Position { line, column } = position;
    format!("{}:{line}:{column}: {message}", shown(path))
}

/// The path, on one line whatever is in it.
fn shown(path: &Path) -> String {
    path.display().to_string().replace(char::is_control, "?")
}

#[cfg(test)]
mod tests {
    use super::{Current, LocalFolder, LocalPolicies};
    use std::sync::Arc;

    #[test]
    fn a_reading_that_began_before_the_current_one_comes_too_late() {
        let directory = tempfile::tempdir().unwrap();
        let folder = LocalFolder::open(directory.path()).unwrap();
        let file = directory.path().join("good.example.txt");
        std::fs::write(file, "version: STSv1\nmode: none\nmax_age: 60\n").unwrap();
        let policies = LocalPolicies::default();
        let later = Current {
            reading: 2,
            policies,
        };
        folder.current.store(Arc::new(later));
        let count = || folder.current.load().policies.len();
        folder.reread().unwrap();
        assert_eq!(count(), 0);
        for expected in [0, 1] {
            folder.reread().unwrap(); // the second, which is the current one, and the third
            assert_eq!(count(), expected);
        }
    }
}
