// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a policy server adds to a look-up that it has to make: domains that it does not know are
//! asked for one after the other, and between them others are looked up in this process. Prints
//! one line of JSON.

use clap::Parser;
use mtasts::{Basis, Config};
use mtasts_benches::{Outcome, rank};
use mtasts_host::{DefaultHost, Options, to_policy_domain};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Instant;

/// Compare look-ups through a socketmap server with direct ones.
#[derive(Parser)]
struct Arguments {
    /// The server: HOST:PORT
    server: String,
    /// How many look-ups of each kind
    #[arg(long, default_value_t = 200)]
    count: usize,
    /// The domains to ask the server for, with {} for the numbers from 0
    #[arg(long)]
    served: String,
    /// The domains to look up here
    #[arg(long)]
    direct: String,
    /// The name server
    #[arg(long)]
    nameserver: SocketAddr,
    /// The trusted roots
    #[arg(long)]
    ca_file: PathBuf,
    /// The Policy Hosts' port
    #[arg(long)]
    https_port: u16,
    /// A policy store for the direct look-ups
    #[arg(long)]
    store: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let host = DefaultHost::open(Options {
        nameservers: vec![arguments.nameserver],
        ca_file: Some(arguments.ca_file),
        https_port: arguments.https_port,
        allow_non_global: true,
        store: arguments.store,
        ..Options::default()
    })?;
    let mut server = TcpStream::connect(&arguments.server)?;
    server.set_nodelay(true)?;
    let (mut served, mut direct) = (Vec::new(), Vec::new());
    for number in 0..arguments.count {
        let domain = |pattern: &str| pattern.replace("{}", &number.to_string());
        served.push(ask(&mut server, &domain(&arguments.served))?);
        direct.push(look_up(&host, &domain(&arguments.direct)).await?);
    }
    served.sort_unstable();
    direct.sort_unstable();
    let rank = |times: &[u64], permille| rank(times, permille) as f64 / 1000.0;
    let report = serde_json::json!({
        "served_p50_us": rank(&served, 500),
        "served_p99_us": rank(&served, 990),
        "direct_p50_us": rank(&direct, 500),
        "direct_p99_us": rank(&direct, 990),
    });
    println!("{report}");
    Ok(())
}

/// Nanoseconds from the query to the last octet of the reply.
fn ask(server: &mut TcpStream, domain: &str) -> Outcome<u64> {
    let query = format!("postfix {domain}");
    let begun = Instant::now();
    server.write_all(format!("{}:{query},", query.len()).as_bytes())?;
    let mut reply = Vec::new();
    while !reply.ends_with(b",") {
        let mut buffer = [0; 1024];
        match server.read(&mut buffer)? {
            0 => return Err("the server closed the connection".into()),
            octets => reply.extend_from_slice(&buffer[..octets]),
        }
    }
    let elapsed = begun.elapsed().as_nanos() as u64;
    let reply = String::from_utf8_lossy(&reply);
    match reply.contains(":OK secure match=") {
        true => Ok(elapsed),
        false => Err(format!("the reply for {domain} is {reply:?}").into()),
    }
}

async fn look_up(host: &DefaultHost, domain: &str) -> Outcome<u64> {
    let begun = Instant::now();
    let config = Config::default();
    let outcome = host.resolve(to_policy_domain(domain)?, &config).await;
    let elapsed = begun.elapsed().as_nanos() as u64;
    match outcome.basis() {
        Basis::Fresh => Ok(elapsed),
        _ => Err(format!("{domain}: {:?}", outcome.reason()).into()),
    }
}
