// SPDX-License-Identifier: MIT OR Apache-2.0

//! The store's two files, made before LMDB would make them: it gives them to the user who
//! happens to come first, and to nobody else.

use super::error::Problem;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

/// As LMDB names them.
const FILES: [&str; 2] = ["data.mdb", "lock.mdb"];

/// For the owner and the group, whatever the umask.
const MODE: u32 = 0o660;

/// The directory `path` in its one true spelling.
pub(super) fn directory(path: &Path) -> Result<PathBuf, Problem> {
    let fail = |error| Problem::File(path.to_owned(), error);
    let directory = path.canonicalize().map_err(fail)?;
    match directory.is_dir() {
        true => Ok(directory),
        false => Err(fail(io::ErrorKind::NotADirectory.into())),
    }
}

/// Makes the files where they are missing, and checks that they can be read and written.
///
/// Not to be called while this process has the environment open: to close any descriptor of
/// a file gives up all locks that the process has on it.
pub(super) fn prepare(directory: &Path) -> Result<(), Problem> {
    let fail = |path: &Path, error| Problem::File(path.to_owned(), error);
    let metadata = fs::metadata(directory).map_err(|error| fail(directory, error))?;
    for name in FILES {
        let path = directory.join(name);
        prepare_file(&path, &metadata).map_err(|error| fail(&path, error))?;
    }
    Ok(())
}

fn prepare_file(path: &Path, directory: &Metadata) -> io::Result<()> {
    // A member of the group may have put a link here for root to stumble over.
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options
        .mode(MODE)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.nlink() != 1 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a plain file",
        ));
    }
    if metadata.len() == 0 {
        give_to(&file, directory); // just made, here or by a process that did not get further
    }
    Ok(())
}

/// Gives a new file the owner and group of its directory, as far as this user may, and the
/// mode. Who may not need not: the file is then another's, who does.
fn give_to(file: &File, directory: &Metadata) {
    let group = Some(directory.gid());
    if fchown(file, Some(directory.uid()), group).is_err() {
        let _ = fchown(file, None, group);
    }
    let _ = file.set_permissions(Permissions::from_mode(MODE));
}
