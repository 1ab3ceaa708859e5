// SPDX-License-Identifier: MIT OR Apache-2.0

//! A session with a mail server as far as TLS (RFC 5321, RFC 3207): greeting, EHLO, STARTTLS, the
//! handshake, QUIT. No mail is offered. What a server says is bounded in size and time.

use super::facts::{Session, State, shown};
use super::tls::{self, Inspector};
use mtasts_host::DefaultHost;
use mtasts_host::address::is_global;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The longest reply line; RFC 5321 §4.5.3.1.5 gives it 512.
const MAX_LINE: u64 = 2048;
/// The most lines of one reply.
const MAX_LINES: usize = 100;
/// The time that good-byes get.
const FAREWELL: Duration = Duration::from_secs(2);

/// Who asks, and how.
pub struct Prober {
    pub host: Arc<DefaultHost>,
    pub inspector: Inspector,
    /// The port of mail servers.
    pub port: u16,
    /// The name to greet with; else the address.
    pub ehlo: Option<String>,
    /// For one session.
    pub limit: Duration,
}

/// Why TLS does not stand.
struct Fault {
    state: State,
    error: String,
}

impl Fault {
    fn new(state: State, error: impl Into<String>) -> Self {
        let error = error.into();
        Self { state, error }
    }

    /// IPv6 without a global address of one's own leads nowhere, though there may be a route.
    fn seen_from_here(self, address: IpAddr) -> Self {
        match self.state {
            State::TimedOut if address.is_ipv6() && !has_global_source(address) => Self::new(
                State::NoRoute,
                "this machine has no global IPv6 address to connect from",
            ),
            _ => self,
        }
    }

    fn not_smtp(error: &str) -> Self {
        Self::new(State::NotSmtp, error)
    }
}

impl From<io::Error> for Fault {
    /// Of a connection that stood.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut => Self::new(State::TimedOut, "the connection timed out"),
            _ => Self::new(State::Closed, NO_REPLY),
        }
    }
}

const NO_REPLY: &str = "the connection was closed without a reply";

/// What is waited for.
#[derive(Clone, Copy)]
enum Phase {
    Connection,
    Greeting,
    Ehlo,
    StartTls,
    Handshake,
}

impl Phase {
    fn fault(self, limit: Duration) -> Fault {
        let (state, what) = match self {
            Self::Connection => (State::TimedOut, "no connection"),
            Self::Greeting => (State::TimedOut, "no greeting"),
            Self::Ehlo => (State::TimedOut, "no reply to EHLO"),
            Self::StartTls => (State::TimedOut, "no reply to STARTTLS"),
            Self::Handshake => (State::TlsFailed, "no TLS session after STARTTLS"),
        };
        let hint = match self {
            Self::Connection => {
                "; many networks block port 25, try from elsewhere if this one does"
            }
            _ => "",
        };
        Fault::new(state, format!("{what} within {} s{hint}", limit.as_secs()))
    }
}

impl Prober {
    /// The session with one address of `name`, the host of an MX record.
    pub async fn session(&self, name: &str, address: IpAddr) -> Session {
        let mut talk = Talk {
            prober: self,
            name,
            session: Session::new(address),
            phase: Phase::Connection,
            fault: None,
        };
        let done = timeout(self.limit, talk.run()).await;
        let fault = match done {
            _ if talk.fault.is_some() => talk.fault.take(), // before the good-bye
            _ if talk.session.state == State::Tls => None,
            Ok(done) => done.err(),
            Err(_) => Some(talk.phase.fault(self.limit)),
        };
        if let Some(fault) = fault.map(|fault| fault.seen_from_here(address)) {
            talk.session.state = fault.state;
            talk.session.error = Some(fault.error);
        }
        talk.session
    }
}

/// A session as it goes.
struct Talk<'a> {
    prober: &'a Prober,
    name: &'a str,
    session: Session,
    phase: Phase,
    /// What is wrong, and has been seen before the end.
    fault: Option<Fault>,
}

impl Talk<'_> {
    async fn run(&mut self) -> Result<(), Fault> {
        let address = SocketAddr::new(self.session.address, self.prober.port);
        let stream = TcpStream::connect(address).await;
        let stream = stream.map_err(|error| connect_fault(&error))?;
        let ehlo = self.ehlo(&stream);
        let mut stream = BufReader::new(stream);
        if let Err(fault) = self.greet(&mut stream, &ehlo).await {
            self.fault = Some(fault);
            quit(&mut stream).await;
            return Ok(());
        }
        if !stream.buffer().is_empty() {
            let error = "it sends more in the clear after its reply to STARTTLS";
            return Err(Fault::new(State::TlsFailed, error));
        }
        self.phase = Phase::Handshake;
        let stream = stream.into_inner();
        let stream = self.prober.inspector.smtp(self.name, stream).await;
        let stream = stream.map_err(|error| Fault::new(State::TlsFailed, tls::explain(&error)))?;
        tls::note(
            &mut self.session,
            stream.get_ref().1,
            &self.prober.host,
            self.name,
        );
        quit(&mut BufReader::new(stream)).await;
        Ok(())
    }

    async fn greet<S>(&mut self, stream: &mut S, ehlo: &str) -> Result<(), Fault>
    where
        S: AsyncBufRead + AsyncWrite + Unpin,
    {
        self.phase = Phase::Greeting;
        let greeting = reply(stream).await?;
        self.session.greeting = greeting.lines.first().cloned();
        greeting.expect(220, State::Rejected, "it does not talk to this machine")?;
        self.phase = Phase::Ehlo;
        let hello = ask(stream, &format!("EHLO {ehlo}")).await?;
        if hello.code / 100 == 4 {
            hello.expect(250, State::Rejected, "it refuses EHLO for now")?;
        }
        hello.expect(250, State::StarttlsNotOffered, "it refuses EHLO")?;
        if !hello.offers_starttls() {
            let error = "its reply to EHLO has no STARTTLS";
            return Err(Fault::new(State::StarttlsNotOffered, error));
        }
        self.phase = Phase::StartTls;
        let ready = ask(stream, "STARTTLS").await?;
        ready.expect(220, State::StarttlsRefused, "it refuses STARTTLS")
    }

    /// The name that was given, or the address from which the connection comes (RFC 5321 §4.1.3).
    fn ehlo(&self, stream: &TcpStream) -> String {
        match (&self.prober.ehlo, stream.local_addr()) {
            (Some(name), _) => name.clone(),
            (None, Ok(SocketAddr::V4(address))) => format!("[{}]", address.ip()),
            (None, Ok(SocketAddr::V6(address))) => format!("[IPv6:{}]", address.ip()),
            (None, Err(_)) => "localhost".to_owned(),
        }
    }
}

/// Why there is no connection.
fn connect_fault(error: &io::Error) -> Fault {
    use io::ErrorKind as K;
    let is_short = matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE));
    let (state, text) = match error.kind() {
        _ if is_short => (State::Local, "this machine has no descriptors left"),
        K::ConnectionRefused => (State::Closed, "the connection is refused"),
        K::ConnectionReset => (State::Closed, NO_REPLY),
        K::TimedOut => (State::TimedOut, "no connection in time"),
        K::HostUnreachable => (State::TimedOut, "the address is not reached"),
        K::NetworkUnreachable | K::AddrNotAvailable | K::Unsupported | K::PermissionDenied => {
            (State::NoRoute, "this machine has no route to the address")
        }
        _ => (State::TimedOut, "no connection"),
    };
    Fault::new(state, text)
}

/// Whether connections to `address` come from a global address, or from where it is itself. Nothing
/// is sent.
fn has_global_source(address: IpAddr) -> bool {
    let local = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect((address, 25))?;
        socket.local_addr()
    });
    local.is_ok_and(|local| is_global(local.ip()) || local.ip() == address)
}

/// A TLS session with one address of a policy host.
pub async fn policy_session(prober: &Prober, name: &str, address: SocketAddr) -> Session {
    let mut session = Session::new(address.ip());
    let limit = prober.limit;
    let done = timeout(limit, async {
        let stream = TcpStream::connect(address).await;
        let stream = stream.map_err(|error| connect_fault(&error))?;
        let stream = prober.inspector.https(name, stream).await;
        stream.map_err(|error| Fault::new(State::TlsFailed, tls::explain(&error)))
    });
    let late = || {
        Fault::new(
            State::TimedOut,
            format!("no TLS session within {} s", limit.as_secs()),
        )
    };
    match done.await.unwrap_or_else(|_| Err(late())) {
        Ok(stream) => tls::note(&mut session, stream.get_ref().1, &prober.host, name),
        Err(fault) => {
            let fault = fault.seen_from_here(address.ip());
            session.state = fault.state;
            session.error = Some(fault.error);
        }
    }
    session
}

/// A reply of a mail server.
struct Reply {
    code: u16,
    /// The texts of its lines, fit to be shown.
    lines: Vec<String>,
}

impl Reply {
    fn expect(&self, code: u16, state: State, what: &str) -> Result<(), Fault> {
        if self.code == code {
            return Ok(());
        }
        let said = self.lines.first().map(String::as_str).unwrap_or_default();
        Err(Fault::new(state, format!("{what}: {} {said}", self.code)))
    }

    /// RFC 3207 §4; the first line of a reply to EHLO is the server's name.
    fn offers_starttls(&self) -> bool {
        let word = |line: &String| line.split(' ').next().map(str::to_ascii_uppercase);
        self.lines
            .iter()
            .skip(1)
            .any(|line| word(line).as_deref() == Some("STARTTLS"))
    }
}

async fn ask<S>(stream: &mut S, command: &str) -> Result<Reply, Fault>
where
    S: AsyncBufRead + AsyncWrite + Unpin,
{
    stream
        .write_all(format!("{command}\r\n").as_bytes())
        .await?;
    stream.flush().await?;
    reply(stream).await
}

/// Says good-bye and does not mind the answer.
async fn quit<S: AsyncBufRead + AsyncWrite + Unpin>(stream: &mut S) {
    let _ = timeout(FAREWELL, ask(stream, "QUIT")).await;
}

async fn reply<S: AsyncBufRead + Unpin>(stream: &mut S) -> Result<Reply, Fault> {
    let mut lines = Vec::new();
    while lines.len() < MAX_LINES {
        let octets = line(stream).await?;
        let (code, is_last, text) = parse(&octets)
            .ok_or_else(|| Fault::not_smtp(&format!("it says: {}", shown(&octets))))?;
        lines.push(shown(text));
        if is_last {
            return Ok(Reply { code, lines });
        }
    }
    Err(Fault::not_smtp("a reply of more than 100 lines"))
}

async fn line<S: AsyncBufRead + Unpin>(stream: &mut S) -> Result<Vec<u8>, Fault> {
    let mut octets = Vec::new();
    stream.take(MAX_LINE).read_until(b'\n', &mut octets).await?;
    match octets.last() {
        Some(b'\n') => Ok(octets.trim_ascii_end().to_vec()),
        _ if octets.len() as u64 == MAX_LINE => {
            Err(Fault::not_smtp("a reply line of more than 2048 octets"))
        }
        _ => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
    }
}

/// Code, whether it is the last line, and text (RFC 5321 §4.2).
fn parse(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (code, rest) = line.split_at_checked(3)?;
    let is_code = matches!(code.first(), Some(b'2'..=b'5')) && code.iter().all(u8::is_ascii_digit);
    let code = std::str::from_utf8(code)
        .ok()
        .filter(|_| is_code)?
        .parse()
        .ok()?;
    match rest.split_first() {
        None => Some((code, true, rest)),
        Some((b' ', text)) => Some((code, true, text)),
        Some((b'-', text)) => Some((code, false, text)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_LINES, State, parse, reply};
    use tokio::io::BufReader;

    fn read(octets: &[u8]) -> Result<(u16, usize), State> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let mut stream = BufReader::new(octets);
        let read = runtime.block_on(reply(&mut stream));
        read.map(|reply| (reply.code, reply.lines.len()))
            .map_err(|fault| fault.state)
    }

    #[test]
    fn replies_of_one_line_and_of_many() {
        assert_eq!(read(b"220 mx ready\r\n"), Ok((220, 1)));
        assert_eq!(read(b"250-mx\r\n250-SIZE\n250 STARTTLS\r\n"), Ok((250, 3)));
        assert_eq!(read(b"250\r\n"), Ok((250, 1)));
        assert_eq!(parse(b"554-no"), Some((554, false, &b"no"[..])));
    }

    #[test]
    fn what_no_mail_server_says() {
        for octets in [
            &b"HTTP/1.1 400 Bad\r\n"[..],
            b"22 x\r\n",
            b"120 x\r\n",
            b"220x\r\n",
            b"\r\n",
        ] {
            assert_eq!(read(octets), Err(State::NotSmtp), "{octets:?}");
        }
        assert_eq!(read(b"220 cut"), Err(State::Closed));
        assert_eq!(read(b""), Err(State::Closed));
    }

    #[test]
    fn endless_replies_have_an_end() {
        assert_eq!(
            read(&b"220-more\r\n".repeat(MAX_LINES * 10)),
            Err(State::NotSmtp)
        );
        assert_eq!(read(&[b'2'; 1 << 20]), Err(State::NotSmtp));
        let exact = [
            b"220-more\r\n".repeat(MAX_LINES - 1),
            b"220 end\r\n".to_vec(),
        ]
        .concat();
        assert_eq!(read(&exact), Ok((220, MAX_LINES)));
    }
}
