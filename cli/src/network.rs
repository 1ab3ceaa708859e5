// SPDX-License-Identifier: MIT OR Apache-2.0

//! The options of every subcommand that goes to the network, and the host that they describe.

use mtasts_host::{DefaultHost, Log, Options};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Where and how to ask.
#[derive(clap::Args)]
#[command(next_help_heading = "Network")]
pub struct Network {
    /// Recursive name server, ADDRESS or ADDRESS:PORT; may be repeated [default: the system's]
    #[arg(long, value_name = "ADDRESS", value_parser = name_server)]
    nameserver: Vec<SocketAddr>,
    /// Trusted roots, a file of PEM certificates [default: the system's]
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Port of policy hosts, for tests
    #[arg(long, value_name = "PORT", default_value_t = 443)]
    https_port: u16,
    /// Also connect to addresses that are not global, for tests
    #[arg(long)]
    allow_non_global: bool,
    /// Folder of the policy store, which mail software on this machine shares [default: none]
    #[arg(long, value_name = "FOLDER")]
    store: Option<PathBuf>,
    /// Folder of the operator's own policies, DOMAIN.txt each, which come first [default: none]
    #[arg(long, value_name = "FOLDER")]
    local_policies: Option<PathBuf>,
}

impl Network {
    /// Opens the host.
    pub fn open(&self) -> Result<DefaultHost, String> {
        let options = Options {
            nameservers: self.nameserver.clone(),
            ca_file: self.ca_file.clone(),
            https_port: self.https_port,
            allow_non_global: self.allow_non_global,
            store: self.store.clone(),
            local_policies: self.local_policies.clone(),
            log: Log::new(|_, message| eprintln!("mtasts: {message}")),
            ..Options::default()
        };
        DefaultHost::open(options).map_err(|error| error.to_string())
    }
}

fn name_server(text: &str) -> Result<SocketAddr, String> {
    let address = text
        .parse::<IpAddr>()
        .map(|address| SocketAddr::new(address, 53));
    address
        .or_else(|_| text.parse())
        .map_err(|_| "neither ADDRESS nor ADDRESS:PORT".to_owned())
}
