// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where the entries are: in a store, in the memory of a server, or both.

use super::Failure;
use super::control::{Control, Refused};
use crate::serve::Config;
use crate::store::{PolicyStore, Unread};
use mtasts::{Policy, Stored};
use mtasts_host::LocalPolicies;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The options that say where.
#[derive(clap::Args)]
#[command(next_help_heading = "Place")]
pub struct Options {
    /// Configuration of the server: its store, control socket and network
    #[arg(long, value_name = "FILE", default_value = crate::CONFIG, conflicts_with = "store")]
    config: PathBuf,
    /// Work on this store alone, a folder or a URL; a server keeps what it has in memory
    #[arg(long, value_name = "PLACE")]
    store: Option<String>,
    /// With --store rediss://…: trusted roots, a file of PEM certificates [default: the system's]
    #[arg(long, value_name = "FILE", requires = "store")]
    store_ca_file: Option<PathBuf>,
}

/// What the options come to.
pub struct Place {
    pub store: Option<PolicyStore>,
    /// Without it only the store counts.
    pub config: Option<Config>,
    file: PathBuf,
    local: LocalPolicies,
}

/// Where entries are read from.
pub enum Source {
    Store(PolicyStore),
    Memory(Control),
}

impl Options {
    /// Reads the configuration and opens the store.
    pub fn open(&self) -> Result<Place, Failure> {
        let opened = match &self.store {
            Some(place) => self.open_store(place),
            None => self.open_config(),
        };
        opened.map_err(Failure::Misuse)
    }

    fn open_store(&self, place: &str) -> Result<Place, String> {
        Ok(Place {
            store: Some(open(place, self.store_ca_file.as_deref())?),
            config: None,
            file: PathBuf::new(),
            local: LocalPolicies::default(),
        })
    }

    fn open_config(&self) -> Result<Place, String> {
        let config = Config::read(&self.config).map_err(|error| {
            format!(
                "{}; --config FILE or --store PLACE says where else to look",
                error.trim_end()
            )
        })?;
        let place = config.store.as_deref();
        let store = place.map(|place| open(place, config.store_ca_file.as_deref()));
        let local = config.local_policies.as_deref().map(LocalPolicies::read);
        let local = local.unwrap_or_else(|| Ok(LocalPolicies::default()));
        Ok(Place {
            store: store.transpose()?,
            file: self.config.clone(),
            local: local.unwrap_or_else(|error| {
                eprintln!("mtasts: warning: local policies: {error}");
                LocalPolicies::default()
            }),
            config: Some(config),
        })
    }
}

fn open(place: &str, ca_file: Option<&Path>) -> Result<PolicyStore, String> {
    PolicyStore::open(place, ca_file).map_err(|error| match error.contains("ermission denied") {
        true => format!("{error}: run this as root or as the user of the server"),
        false => error,
    })
}

impl Place {
    /// Where to read: the store, or what the server has in memory if there is no store or
    /// `is_memory`.
    pub async fn source(&self, is_memory: bool) -> Result<Source, Failure> {
        match &self.store {
            Some(store) if !is_memory => return Ok(Source::Store(store.clone())),
            _ => {}
        }
        let file = self.file.display();
        let Some(path) = self.control() else {
            return Err(Failure::Misuse(match self.config {
                None => "--memory is the server's, --store another place: give one".to_owned(),
                Some(_) => format!(
                    "{file} has no `control`, so what the server has in memory cannot be seen; \
                     set it and restart the server"
                ),
            }));
        };
        match Control::connect(path).await {
            Ok(control) => Ok(Source::Memory(control)),
            Err(Refused::Other(reason)) => Err(Failure::Cannot(reason)),
            Err(Refused::NoServer) => Err(Failure::Cannot(format!(
                "{}: no server listens there; start it, or if it runs, restart it: it may have \
                 been started before `control` was set",
                path.display()
            ))),
        }
    }

    /// Connects to the server that has to know of changes; `None`: there is none, or only the
    /// store was asked for.
    pub async fn server(&self) -> Result<Option<Control>, Failure> {
        if self.config.is_none() {
            return Ok(None);
        }
        let Some(path) = self.control() else {
            return Err(Failure::Misuse(format!(
                "{} has no `control`, so a server that runs would not know of it; set it and \
                 restart the server, or give --store PLACE to work on the store alone",
                self.file.display()
            )));
        };
        match Control::connect(path).await {
            Ok(control) => Ok(Some(control)),
            Err(Refused::Other(reason)) => Err(Failure::Cannot(reason)),
            Err(Refused::NoServer) => self.without_server(path),
        }
    }

    fn without_server(&self, path: &Path) -> Result<Option<Control>, Failure> {
        let path = path.display();
        match self.store {
            Some(_) => {
                eprintln!("mtasts: no server listens at {path}; working on the store alone");
                Ok(None)
            }
            None => Err(Failure::Cannot(format!(
                "no server listens at {path}, and {} has no `store`: nothing is known",
                self.file.display()
            ))),
        }
    }

    /// The control socket, if one is configured.
    pub fn control(&self) -> Option<&Path> {
        self.config.as_ref()?.control.as_deref()
    }

    /// The operator's own policy, which comes before all that is cached (R-APPLY-3).
    pub fn local_policy(&self, domain: &str) -> Option<&Arc<Policy>> {
        self.local.get(domain)
    }
}

impl Source {
    /// Visits every domain with its entry, or what is wrong with that.
    pub async fn for_each(
        self,
        mut visit: impl FnMut(&str, Result<Arc<Stored>, String>) + Send + 'static,
    ) -> Result<(), String> {
        match self {
            Self::Store(store) => store.for_each(visit).await,
            Self::Memory(mut control) => {
                let visit = |stored: Arc<Stored>| {
                    let name = stored.domain.to_string();
                    visit(&name, Ok(stored));
                };
                control.for_each(None, visit).await
            }
        }
    }

    /// What is known of `domain`.
    pub async fn load(&mut self, domain: &str) -> Result<Option<Arc<Stored>>, Unread> {
        match self {
            Self::Store(store) => store.load(domain).await,
            Self::Memory(control) => {
                let mut found = None;
                let asked = control.for_each(Some(domain), |stored| found = Some(stored));
                asked.await.map_err(Unread::Store)?;
                Ok(found)
            }
        }
    }
}
