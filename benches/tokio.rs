// SPDX-License-Identifier: MIT OR Apache-2.0

//! The server of echo.c once more, by tokio: what the runtime costs by itself. One thread, a task
//! for each connection, the same answer to all queries.

use mtasts_benches::Outcome;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, reply] = arguments.as_slice() else {
        return Err("usage: bench-tokio PORT|PATH REPLY".into());
    };
    let reply: &'static [u8] = format!("{}:{reply},", reply.len()).leak().as_bytes();
    if address.contains('/') {
        let listener = UnixListener::bind(address)?;
        loop {
            tokio::spawn(serve(listener.accept().await?.0, reply));
        }
    }
    let listener = TcpListener::bind(format!("127.0.0.1:{address}")).await?;
    loop {
        let stream = listener.accept().await?.0;
        stream.set_nodelay(true)?;
        tokio::spawn(serve(stream, reply));
    }
}

/// Until the client goes, or sends what is not netstrings.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, reply: &'static [u8]) {
    let mut buffer = [0; 1024];
    let mut len = 0;
    while let Ok(octets) = stream.read(&mut buffer[len..]).await {
        len += octets;
        let Some((begin, count)) = queries(&buffer[..len]).filter(|_| octets > 0) else {
            return;
        };
        buffer.copy_within(begin..len, 0);
        len -= begin;
        let is_sent = match count {
            0 => Ok(()),
            1 => stream.write_all(reply).await,
            _ => stream.write_all(&reply.repeat(count)).await,
        };
        if is_sent.is_err() {
            return;
        }
    }
}

/// How many octets the whole netstrings at the start have, and how many they are.
fn queries(octets: &[u8]) -> Option<(usize, usize)> {
    let (mut begin, mut count) = (0, 0);
    while let Some(size) = netstring(&octets[begin..])? {
        begin += size;
        count += 1;
    }
    Some((begin, count))
}

/// The octets of the netstring at the start, if all of it is there; None: it is none.
fn netstring(octets: &[u8]) -> Option<Option<usize>> {
    let Some(digits) = octets.iter().position(|octet| *octet == b':') else {
        return (octets.len() < 5).then_some(None);
    };
    if digits == 0 {
        return None;
    }
    let digit = |octet: &u8| octet.is_ascii_digit().then(|| usize::from(octet - b'0'));
    let len = octets[..digits].iter().try_fold(0usize, |len, octet| {
        len.checked_mul(10)?.checked_add(digit(octet)?)
    })?;
    let size = len.checked_add(digits + 2)?;
    match octets.get(size - 1) {
        Some(b',') => Some(Some(size)),
        Some(_) => None,
        None => Some(None),
    }
}
