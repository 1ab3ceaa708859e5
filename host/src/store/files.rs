// SPDX-License-Identifier: MIT OR Apache-2.0

//! The store's two files, made before LMDB would make them: it gives them to the user who
//! happens to come first, and to nobody else. And their descriptors, which LMDB would give to
//! every program that the process executes.

#![expect(unsafe_code, reason = "descriptors, which libc and LMDB have opened")]

use super::error::Problem;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

/// As LMDB names them.
const FILES: [&str; 2] = ["data.mdb", LOCK];
const LOCK: &str = "lock.mdb";

/// What LMDB needs for its head and a place of 64 octets for each reader.
const LOCK_SIZE: libc::off_t = 64 * (super::process::MAX_READERS as libc::off_t + 2);

/// For the owner and the group, whatever the umask.
const MODE: u32 = 0o660;

/// What a directory is, whatever it is called: its device and inode.
pub(super) type Identity = (u64, u64);

/// The directory `path` in its one true spelling.
pub(super) fn directory(path: &Path) -> Result<(PathBuf, Identity), Problem> {
    let fail = |error| Problem::File(path.to_owned(), error);
    let directory = path.canonicalize().map_err(fail)?;
    let metadata = fs::metadata(&directory).map_err(fail)?;
    match metadata.is_dir() {
        true => Ok((directory, (metadata.dev(), metadata.ino()))),
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
    match path.ends_with(LOCK) {
        true => allocate(&file),
        false => Ok(()),
    }
}

/// Which files are the store in `directory` now.
pub(super) fn identities(directory: &Path) -> io::Result<[Identity; 2]> {
    let [data, lock] = FILES.map(|name| fs::symlink_metadata(directory.join(name)));
    let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
    Ok([identity(data?), identity(lock?)])
}

/// Has the file system set aside what LMDB will write to through memory: where there is no room
/// that ends the process.
fn allocate(file: &File) -> io::Result<()> {
    // SAFETY: the descriptor is open.
    match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, LOCK_SIZE) } {
        0 | libc::EOPNOTSUPP | libc::EINVAL => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
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

/// Takes the descriptors 0 to 2, if they are free, until dropped: what a library prints must not
/// end up in the store.
pub(super) fn standard_descriptors(directory: &Path) -> Vec<File> {
    let open = std::iter::repeat_with(|| File::open(directory));
    open.map_while(Result::ok)
        .take_while(|file| file.as_raw_fd() <= 2)
        .collect()
}

/// Closes the data file on exec. LMDB leaves its descriptor open, and whoever has it could write
/// policies.
pub(super) fn close_on_exec(data: &File) -> io::Result<()> {
    let own = data
        .metadata()
        .map(|metadata| (metadata.dev(), metadata.ino()))?;
    for descriptor in descriptors()
        .into_iter()
        .filter(|other| identity(*other) == Some(own))
    {
        // SAFETY: it only sets a flag.
        unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    Ok(())
}

/// The descriptors of this process; where the system does not list them, those that it may have.
fn descriptors() -> Vec<RawFd> {
    let listed = fs::read_dir("/proc/self/fd").or_else(|_| fs::read_dir("/dev/fd"));
    let Ok(listed) = listed else {
        return (0..4096).collect();
    };
    let number = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
    listed.filter_map(number).collect()
}

/// The device and inode of what `descriptor` stands for.
fn identity(descriptor: RawFd) -> Option<Identity> {
    // SAFETY: the descriptor is borrowed for a call that refuses what is none, and not closed.
    let file = ManuallyDrop::new(unsafe { File::from_raw_fd(descriptor) });
    file.metadata()
        .ok()
        .map(|metadata| (metadata.dev(), metadata.ino()))
}
