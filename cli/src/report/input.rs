// SPDX-License-Identifier: MIT OR Apache-2.0

//! From files to what is in them (R-RPT-3): a folder is a maildir, or its files are taken. Several
//! threads read.

use super::reader::{Found, Reader};
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::thread;

/// Hands out what is in the files, in their order only within one of them.
pub fn read(files: &[PathBuf], mut take: impl FnMut(Found)) {
    let mut bad = Vec::new();
    let all: Vec<Source> = files
        .iter()
        .flat_map(|file| sources(file, &mut bad))
        .collect();
    bad.into_iter().for_each(&mut take);
    let (next, workers) = (AtomicUsize::new(0), workers(all.len()));
    let (found, taken) = mpsc::sync_channel(64);
    thread::scope(|scope| {
        for _ in 0..workers {
            let found = found.clone();
            scope.spawn(|| work(&all, &next, found));
        }
        drop(found);
        taken.into_iter().for_each(&mut take);
    });
}

fn workers(files: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    cores.min(files).clamp(1, 8)
}

fn work(all: &[Source], next: &AtomicUsize, found: SyncSender<Found>) {
    while let Some(source) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
        source.read(&found);
    }
}

/// One file.
struct Source {
    path: PathBuf,
    /// It is a maildir's.
    in_mailbox: bool,
}

impl Source {
    fn read(&self, found: &SyncSender<Found>) {
        let is_stdin = self.path.as_os_str() == "-";
        let name = match is_stdin {
            true => "standard input".to_owned(),
            false => self.path.display().to_string(),
        };
        let reader = Reader::new(name, self.in_mailbox, found);
        if is_stdin {
            return reader.read(BufReader::new(io::stdin()));
        }
        match File::open(&self.path) {
            Ok(file) => reader.read(BufReader::new(file)),
            Err(error) => reader.fail(&error),
        }
    }
}

/// The files that `path` stands for.
fn sources(path: &Path, bad: &mut Vec<Found>) -> Vec<Source> {
    if !path.is_dir() {
        let path = path.to_owned();
        return vec![Source {
            path,
            in_mailbox: false,
        }];
    }
    let is_maildir = path.join("cur").is_dir();
    let folders = match is_maildir {
        true => vec![path.join("cur"), path.join("new")],
        false => vec![path.to_owned()],
    };
    let mut found = Vec::new();
    for folder in folders {
        match files_in(&folder) {
            Ok(files) => found.extend(files),
            Err(_) if is_maildir && !folder.exists() => {}
            Err(error) => bad.push(Found::Bad {
                name: folder.display().to_string(),
                why: error.to_string(),
            }),
        }
    }
    found.sort();
    let source = |path| Source {
        path,
        in_mailbox: is_maildir,
    };
    found.into_iter().map(source).collect()
}

/// The files that are not hidden.
fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !is_hidden && entry.path().is_file() {
            files.push(entry.path());
        }
    }
    Ok(files)
}
