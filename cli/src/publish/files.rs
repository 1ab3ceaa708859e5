// SPDX-License-Identifier: MIT OR Apache-2.0

//! Writes files: all of them or, as far as a file system has it, none; each whole.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// Writes `contents`, names and texts, into `folder`; none that is there unless `force`.
pub fn write(
    folder: &Path,
    contents: &[(&str, String)],
    force: bool,
) -> Result<Vec<PathBuf>, String> {
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let paths: Vec<_> = contents.iter().map(|(name, _)| folder.join(name)).collect();
    if let Some(path) = paths.iter().find(|path| !force && path.exists()) {
        return Err(format!(
            "{}: is there already; nothing was written. Give another folder, or --force",
            path.display()
        ));
    }
    let texts = contents.iter().map(|(_, text)| text);
    let staged: Result<Vec<_>, _> = texts.map(|text| staged(folder, text)).collect();
    let staged = staged.map_err(|error| failed(folder, error))?;
    for (file, path) in staged.into_iter().zip(&paths) {
        let done = match force {
            true => file.persist(path),
            false => file.persist_noclobber(path),
        };
        done.map_err(|error| failed(path, error.error))?;
    }
    Ok(paths)
}

/// A file beside the places, which goes if it is not given one. A web server is to read it.
fn staged(folder: &Path, text: &str) -> std::io::Result<NamedTempFile> {
    let mut file = Builder::new()
        .prefix(".mtasts-")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}
