// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts certificate`: a certificate as a sender judges it (RFC 8461 §4.2, R-CERT-1), from files.

use mtasts::UnixTime;
use mtasts_host::chain::Roots;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// Judge a certificate from files, as a sender would
#[derive(clap::Args)]
#[command(
    after_help = "Example: mtasts certificate verify --chain chain.pem --host mx.example.com"
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Verify(Verify),
}

/// Is this chain valid for this host?
///
/// Judges a chain as that of an MX host or a Policy Host is judged: it leads to a trusted root, is in
/// time, is for servers, and a DNS-ID of it is the name. Revocation is not looked at. Exit status: 0
/// valid, 1 not valid, 2 misuse.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
struct Verify {
    /// The chain in PEM, the host's own certificate first; the order of the others is free
    #[arg(long, value_name = "FILE")]
    chain: PathBuf,
    /// Trusted roots, a file of PEM certificates [default: the system's]
    #[arg(long, value_name = "FILE")]
    roots: Option<PathBuf>,
    /// The name that the certificate is to be for
    #[arg(long, value_name = "NAME")]
    host: String,
    /// At this time: 2026-01-31T12:00:00Z, or seconds since 1970 [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    time: Option<u64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLE: &str = "\
Example: the chain that an MX host shows
  openssl s_client -starttls smtp -connect mx.example.com:25 -showcerts </dev/null >chain.pem
  mtasts certificate verify --chain chain.pem --host mx.example.com

JSON: {\"valid\":…,\"cause\":…,\"result\":…,\"explanation\":…}; cause is null,
certificate-expired, certificate-host-mismatch, certificate-invalid or
certificate-not-trusted, result the result type of RFC 8460 for it.";

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let Command::Verify(arguments) = &arguments.command;
    let chain = certificates(&arguments.chain)?;
    let chain: Vec<&[u8]> = chain.iter().map(|der| &**der).collect();
    let roots = roots(arguments.roots.as_deref())?;
    let now = UnixTime(arguments.time.unwrap_or_else(now));
    let cause = roots.verify(&chain, &arguments.host, now).cause();
    let explanation = cause.map_or("the certificate is valid", |cause| cause.describe());
    crate::print(&match arguments.json {
        true => json!({
            "valid": cause.is_none(),
            "cause": cause.map(|cause| cause.as_str()),
            "result": cause.and_then(|cause| cause.result_type()).map(|result| result.as_str()),
            "explanation": explanation,
        })
        .to_string(),
        false => format!("{}: {explanation}", arguments.host),
    })?;
    Ok(ExitCode::from(u8::from(cause.is_some())))
}

/// As they are, be they usable or not: a root that is not trusts nothing.
fn roots(file: Option<&Path>) -> Result<Roots, String> {
    match file {
        Some(file) => Ok(Roots::new(&certificates(file)?)),
        None => Roots::load(None).map_err(|error| error.to_string()),
    }
}

/// The certificates of a file, of which there is one at least. Other text and other kinds of PEM in it
/// are passed over.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let fail = |why: String| format!("{}: {why}", file.display());
    let list: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    match list {
        Ok(list) if list.is_empty() => Err(fail("no certificate in PEM in it".to_owned())),
        Ok(list) => Ok(list),
        Err(error) => Err(fail(error.to_string())),
    }
}

fn time(text: &str) -> Result<u64, String> {
    let rfc3339 = || {
        let time = humantime::parse_rfc3339(text).ok()?;
        Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
    };
    let seconds = text.parse().ok().or_else(rfc3339);
    seconds.ok_or_else(|| "neither 2026-01-31T12:00:00Z nor seconds since 1970".to_owned())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
