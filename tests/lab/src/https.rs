// SPDX-License-Identifier: MIT OR Apache-2.0
//! The policy hosts: HTTPS on one port of several addresses. The name in the ClientHello chooses
//! the certificate, the Host field the page; one request per connection.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::{
    ca::Subject,
    domain::Domain,
    fault::HttpsFault,
    page::{PATH, Page},
    shared::{Place, Shared, client_hello, handshake, hold, part, reset},
};

/// The longest request, head or body.
const LONGEST: u64 = 1 << 20;
/// The time between two octets of `https=drip`.
const DRIP: Duration = Duration::from_millis(100);
/// A fatal alert: protocol version.
const ALERT: &[u8] = &[0x15, 3, 3, 0, 2, 2, 70];

/// Serves one connection.
pub async fn serve(lab: Arc<Shared>, stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
    let place = Place {
        server: "https",
        host: None,
        local: stream.local_addr()?,
        peer,
    };
    let facts = json!({"address": place.local.ip(), "peer": place.peer.to_string()});
    lab.events.push("https-connect", facts);
    let hello = match client_hello(stream).await {
        Ok(hello) => hello,
        Err(error) => {
            lab.tls_failed(&place, None, &error.to_string());
            return Err(error);
        }
    };
    let name = hello.1.clone().unwrap_or_default();
    let fault = fault(&lab, &name);
    match fault {
        HttpsFault::StallTls => return hold(hello.0.io).await,
        HttpsFault::Reset => return reset(hello.0.io),
        HttpsFault::TlsRefused => return part(hello.0.io, ALERT).await,
        _ => {}
    }
    let subject = subject(name, &place, fault);
    let config = lab.ca.server(&subject).map_err(io::Error::other)?;
    let sni = hello.1.clone();
    let stream = handshake(&lab, &place, hello, config).await?;
    exchange(&lab, &place, sni, BufReader::new(stream)).await
}

fn fault(lab: &Shared, name: &str) -> HttpsFault {
    lab.world()
        .policy_domain(name)
        .map(|domain| domain.https)
        .unwrap_or_default()
}

fn subject(name: String, place: &Place, fault: HttpsFault) -> Subject {
    let name = if name.is_empty() {
        "nameless.invalid".to_owned()
    } else {
        name
    };
    Subject {
        name,
        address: place.local.ip(),
        kind: fault.certificate(),
        http: true,
    }
}

/// A request, as far as it matters.
#[derive(Debug, Default)]
struct Request {
    method: String,
    path: String,
    host: String,
    agent: Option<String>,
    media_type: Option<String>,
    length: u64,
    body: Vec<u8>,
}

async fn exchange<S>(
    lab: &Shared,
    place: &Place,
    sni: Option<String>,
    mut stream: BufReader<S>,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = read(&mut stream).await?;
    let host = request
        .host
        .split(':')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let domain = lab.world().policy_domain(&host).cloned();
    let page = page(&request, domain.as_ref(), lab.https_port);
    note(lab, place, &request, &host, sni, page.status);
    match domain.map(|domain| domain.https) {
        Some(HttpsFault::StallHttp) => hold(stream).await,
        Some(HttpsFault::Garbage) => part(stream, b"\x00\xffnot HTTP at all\r\n\r\n").await,
        Some(HttpsFault::Drip) => drip(stream).await,
        Some(HttpsFault::Interim) => interim(stream).await,
        _ => part(stream, &page.encode()).await,
    }
}

fn page(request: &Request, domain: Option<&Domain>, https_port: u16) -> Page {
    match (request.method.as_str(), domain) {
        ("POST" | "PUT", _) => Page::plain(201, "taken\r\n"),
        ("GET" | "HEAD", Some(domain)) if request.path == PATH => Page::of(domain, https_port),
        ("GET" | "HEAD", _) => Page::plain(404, "nothing here\r\n"),
        _ => Page::plain(405, "not here\r\n"),
    }
}

fn note(
    lab: &Shared,
    place: &Place,
    request: &Request,
    host: &str,
    sni: Option<String>,
    status: u16,
) {
    let mut facts = json!({
        "host": host, "sni": sni, "method": request.method, "path": request.path,
        "status": status, "address": place.local.ip(), "peer": place.peer.to_string(),
        "agent": request.agent,
    });
    if !request.body.is_empty() {
        facts["type"] = json!(request.media_type);
        facts["size"] = json!(request.body.len());
        facts["body_hex"] = json!(hex(&request.body));
    }
    lab.events.push("https", facts);
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

async fn read<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> io::Result<Request> {
    let mut stream = stream.take(LONGEST);
    let mut line = String::new();
    let mut request = Request::default();
    stream.read_line(&mut line).await?;
    let mut words = line.split_whitespace().map(str::to_owned);
    request.method = words.next().unwrap_or_default();
    request.path = words.next().unwrap_or_default();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.split_once(':') {
            Some((name, value)) => field(&mut request, name, value.trim()),
            None if line.trim().is_empty() => break,
            None => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
    request.body = vec![0; request.length.min(LONGEST) as usize];
    stream.read_exact(&mut request.body).await?;
    Ok(request)
}

fn field(request: &mut Request, name: &str, value: &str) {
    match name.to_ascii_lowercase().as_str() {
        "host" => request.host = value.to_owned(),
        "user-agent" => request.agent = Some(value.to_owned()),
        "content-type" => request.media_type = Some(value.to_owned()),
        "content-length" => request.length = value.parse().unwrap_or(0),
        _ => {}
    }
}

/// Interim replies, and never the one that counts.
async fn interim<S>(mut stream: BufReader<S>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let many = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
    loop {
        stream.write_all(&many).await?;
    }
}

async fn drip<S>(mut stream: BufReader<S>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        .await?;
    let mut beat = tokio::time::interval(DRIP);
    loop {
        beat.tick().await;
        stream.write_all(b"v").await?;
        stream.flush().await?;
    }
}
