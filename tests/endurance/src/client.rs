// SPDX-License-Identifier: MIT OR Apache-2.0

//! Mail servers that ask: by socketmap as Postfix does, by `readsocket` as Exim does, over HTTP; and
//! some that misbehave.

use crate::Outcome;
use crate::model::Seen;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the server listens.
#[derive(Clone, Debug)]
pub struct Places {
    pub socketmap: String,
    pub readsocket: PathBuf,
    pub http: PathBuf,
}

/// A connection that is kept, as Postfix keeps it.
pub struct Socketmap(BufReader<TcpStream>);

impl Socketmap {
    pub fn connect(address: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    pub fn ask(&mut self, domain: &str) -> Outcome<Seen> {
        let request = format!("postfix {domain}");
        let framed = format!("{}:{request},", request.len());
        self.0.get_mut().write_all(framed.as_bytes())?;
        let mut size = Vec::new();
        self.0.read_until(b':', &mut size)?;
        size.pop();
        let size: usize = String::from_utf8(size)?.parse()?;
        let mut reply = vec![0; size + 1];
        self.0.read_exact(&mut reply)?;
        reply.pop();
        Ok(of_socketmap(String::from_utf8(reply)?))
    }
}

fn of_socketmap(reply: String) -> Seen {
    if reply == "NOTFOUND " {
        return Seen::Nothing;
    }
    let host = reply.strip_prefix("OK secure match=");
    let host = host.and_then(|rest| rest.strip_suffix(" servername=hostname"));
    seen(host, &reply)
}

/// The version is in the name of the MX host: `mx3.example`.
fn seen(host: Option<&str>, reply: &str) -> Seen {
    let number = host.and_then(|host| host.strip_prefix("mx")?.strip_suffix(".example"));
    match number.and_then(|number| number.parse().ok()) {
        Some(version) => Seen::Enforced(version),
        None => Seen::Odd(reply.to_owned()),
    }
}

/// One question over a connection of its own, as Exim asks.
pub fn readsocket(path: &Path, domain: &str) -> Outcome<Seen> {
    let mut stream = unix(path)?;
    stream.write_all(format!("policy {domain}\n").as_bytes())?;
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply)?;
    let field = |name: &str| {
        reply
            .split_whitespace()
            .find_map(|word| word.strip_prefix(name))
    };
    Ok(match (field("action="), field("tls="), field("mode=")) {
        (Some("deliver"), Some("verify"), Some("enforce")) => seen(field("mx="), &reply),
        (Some("deliver"), Some("may"), _) => Seen::Nothing,
        _ => Seen::Odd(reply),
    })
}

/// One question over HTTP.
pub fn http(path: &Path, domain: &str) -> Outcome<Seen> {
    let (status, body) = get(path, &format!("/v1/policy?domain={domain}"))?;
    if status != 200 {
        return Ok(Seen::Odd(format!("{status} {body}")));
    }
    let said: Value = serde_json::from_str(&body)?;
    let policy = &said["policy"];
    Ok(match policy["mode"].as_str() {
        Some("enforce") => seen(policy["mx"][0].as_str(), &body),
        Some("testing") => Seen::Nothing,
        None if said["basis"] == "no-policy" => Seen::Nothing,
        _ => Seen::Odd(body),
    })
}

/// The status and body of a page.
pub fn get(path: &Path, page: &str) -> Outcome<(u16, String)> {
    let mut stream = unix(path)?;
    let request = format!("GET {page} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    let status = reply.split(' ').nth(1).unwrap_or_default().parse()?;
    let (_, body) = reply.split_once("\r\n\r\n").ok_or("no body")?;
    Ok((status, body.to_owned()))
}

fn unix(path: &Path) -> Outcome<UnixStream> {
    let stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Breaks off in the middle, or says what is no request; whatever comes of it is right.
pub fn misbehave(places: &Places, way: usize) {
    let said: &[u8] = match way % 4 {
        0 => b"25:postfix d0.sta",
        1 => b"999999999999:",
        2 => b"not a netstring\r\n\r\n",
        _ => b"24:postfix d1.stable.example,", // and does not wait for the answer
    };
    if let Ok(mut stream) = TcpStream::connect(&places.socketmap) {
        let _ = stream.write_all(said);
    }
    if let Ok(mut stream) = UnixStream::connect(&places.http) {
        let _ = stream.write_all(b"GET /v1/policy?domain=");
    }
}
