// SPDX-License-Identifier: MIT OR Apache-2.0

//! The options of every subcommand that goes to the network.

use mtasts_host::{Log, Options};
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
    #[arg(long, value_name = "PORT", default_value_t = HTTPS_PORT)]
    https_port: u16,
    /// Also connect to addresses that are not global, for tests
    #[arg(long)]
    allow_non_global: bool,
}

/// The port of policy hosts.
const HTTPS_PORT: u16 = 443;

impl Network {
    /// A host's options. Its messages go to standard error.
    pub fn options(&self) -> Options {
        Options {
            nameservers: self.nameserver.clone(),
            ca_file: self.ca_file.clone(),
            https_port: self.https_port,
            allow_non_global: self.allow_non_global,
            log: Log::new(|_, message| eprintln!("mtasts: {message}")),
            ..Options::default()
        }
    }

    /// Whether any of this was asked for.
    pub fn is_given(&self) -> bool {
        let is_default = self.nameserver.is_empty()
            && self.ca_file.is_none()
            && self.https_port == HTTPS_PORT
            && !self.allow_non_global;
        !is_default
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
