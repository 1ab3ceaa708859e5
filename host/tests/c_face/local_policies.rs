// SPDX-License-Identifier: MIT OR Apache-2.0

//! The operator's own policies (R-APPLY-3), as a C program uses them.

use super::common::lab;
use super::*;
use mtasts_ffi::outcome::MTASTS_BASIS_LOCAL;
use std::fs;
use std::mem::offset_of;
use tempfile::TempDir;

const EXEMPT: &str = "version: STSv1\nmode: none\nmax_age: 60\n";

/// A folder with a policy for the lab's domain, and options that name it.
struct Local {
    opening: Opening,
    lines: Box<Mutex<Vec<String>>>,
    folder: TempDir,
    _path: CString,
}

impl Local {
    fn new(lab: &Lab) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = c_path(folder.path());
        let lines: Box<Mutex<Vec<String>>> = Box::default();
        let mut opening = lab_options(lab, None);
        opening.options.local_policies = path.as_ptr();
        opening.options.log = Some(take_line);
        opening.options.log_user = (&raw const *lines).cast_mut().cast();
        let local = Self {
            opening,
            lines,
            folder,
            _path: path,
        };
        local.write(EXEMPT);
        local
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("good.example.txt")
    }

    fn write(&self, text: &str) {
        fs::write(self.file(), text).unwrap();
    }

    /// What the log has of the folder's fault.
    fn fault(&self) -> String {
        let file = self.file();
        format!(
            "local policies: {}:1:1: there is no version field",
            file.display()
        )
    }

    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }
}

fn reread(host: *const mtasts_default_host) -> i32 {
    unsafe { mtasts_default_host_reread(host) }
}

#[test]
fn r_apply_3_they_come_first_and_are_read_again_when_told() {
    let lab = lab();
    let local = Local::new(&lab);
    let host = open(&local.opening.options).unwrap();
    assert_eq!(resolve(host), MTASTS_BASIS_LOCAL);
    assert_eq!(lab.count("*", "").unwrap(), 0);

    local.write("mode: none\n");
    assert_eq!(reread(host), MTASTS_HOST_E_LOCAL_POLICIES);
    assert_eq!(local.lines(), [format!("3 {}", local.fault())]);
    assert_eq!(resolve(host), MTASTS_BASIS_LOCAL);

    fs::remove_file(local.file()).unwrap();
    assert_eq!(reread(host), OK);
    assert_eq!(resolve(host), MTASTS_BASIS_FRESH);
    assert!(local.lines().is_empty());
    unsafe { mtasts_default_host_close(host) };
}

#[test]
fn r_apply_3_a_child_of_a_fork_has_them_and_reads_them_for_itself() {
    let lab = lab();
    let local = Local::new(&lab);
    let host = open(&local.opening.options).unwrap();
    assert_eq!(in_child(|| resolve(host)), MTASTS_BASIS_LOCAL);
    fs::remove_file(local.file()).unwrap();
    let read_again = || {
        let status = reread(host);
        if status == OK {
            resolve(host)
        } else {
            100 + status
        }
    };
    assert_eq!(in_child(read_again), MTASTS_BASIS_FRESH);
    assert_eq!(resolve(host), MTASTS_BASIS_LOCAL);
    unsafe { mtasts_default_host_close(host) };
}

#[test]
fn a_host_does_not_open_with_policies_that_are_not_legal() {
    let lab = lab();
    let local = Local::new(&lab);
    local.write("mode: none\n");
    let (status, text) = open(&local.opening.options).unwrap_err();
    assert_eq!(status, MTASTS_HOST_E_LOCAL_POLICIES);
    assert!(
        !text.is_empty() && local.fault().starts_with(&text),
        "{text}"
    );
    assert_eq!(local.lines(), [format!("3 {}", local.fault())]);
}

#[test]
fn without_a_folder_there_is_nothing_to_read() {
    let lab = lab();
    let host = open(&lab_options(&lab, None).options).unwrap();
    assert_eq!(reread(host), OK);
    unsafe { mtasts_default_host_close(host) };
}

#[test]
fn a_program_that_does_not_know_the_option_has_none() {
    let lab = lab();
    let mut local = Local::new(&lab);
    local.opening.options.size = offset_of!(mtasts_default_host_options, local_policies);
    let host = open(&local.opening.options).unwrap();
    assert_eq!(resolve(host), MTASTS_BASIS_FRESH);
    unsafe { mtasts_default_host_close(host) };
}
