// SPDX-License-Identifier: MIT OR Apache-2.0

//! The store's folder, which may be removed, replaced or made anew under a running server.

use mtasts_host::store::Store;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A store that is opened anew when it is no longer where it was.
pub struct Folder {
    path: PathBuf,
    /// `None`: it is gone.
    store: Mutex<Option<Arc<Store>>>,
    /// Another store is there than before, which has nothing of what the old one had.
    pub replaced: Notify,
}

impl Folder {
    pub fn open(path: &Path) -> Result<Self, String> {
        Ok(Self {
            path: path.to_owned(),
            store: Some(open(path)?).into(),
            replaced: Notify::new(),
        })
    }

    /// The store that is there now.
    pub fn store(&self) -> Result<Arc<Store>, String> {
        let mut known = self.known();
        if let Some(store) = known.as_ref().filter(|store| store.is_in_place()) {
            return Ok(Arc::clone(store));
        }
        *known = None; // it closes when nobody uses it any more, and not before is another opened
        let store = open(&self.path)?;
        if !store.is_in_place() {
            return Err(format!("{}: the store was removed", self.path.display()));
        }
        self.replaced.notify_one();
        Ok(Arc::clone(known.insert(store)))
    }

    fn known(&self) -> MutexGuard<'_, Option<Arc<Store>>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(path: &Path) -> Result<Arc<Store>, String> {
    let store = Store::open(path).map_err(|error| error.to_string())?;
    Ok(Arc::new(store))
}
