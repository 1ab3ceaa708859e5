// SPDX-License-Identifier: MIT OR Apache-2.0

//! Fills a policy store with as many domains as are wanted, each with a policy of two patterns
//! that was fetched now and lives a week. Each is a synced commit: let it be on tmpfs.

use mtasts::UnixTime;
use mtasts_benches::{Outcome, domain, entry, save};
use mtasts_host::store::Store;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [directory, domains] => fill(directory.as_ref(), domains.parse()?),
        _ => Err("usage: bench-fill DIRECTORY DOMAINS".into()),
    }
}

/// Prints the domains, one a line, to be asked for.
fn fill(directory: &Path, domains: u64) -> Outcome<()> {
    let store = Store::open(directory)?;
    let now = UnixTime(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs());
    let mut list = BufWriter::new(io::stdout().lock());
    for number in 0..domains {
        let domain = domain(number);
        let policy = format!(
            "version: STSv1\r\nmode: enforce\r\nmx: mx1.{domain}\r\nmx: *.mail.{domain}\r\n\
             max_age: 604800\r\n"
        );
        let entry = entry(&domain, &policy, "20160831085700Z", now)?;
        save(&store, &entry, now)?;
        writeln!(list, "{domain}")?;
    }
    if store.len()? != domains {
        return Err("the store has another number of entries".into());
    }
    Ok(list.flush()?)
}
