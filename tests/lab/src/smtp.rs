// SPDX-License-Identifier: MIT OR Apache-2.0
//! The mail hosts: ESMTP sinks with STARTTLS (RFC 5321, RFC 3207), one port number, an address
//! for each. They keep nothing; what they are given goes into the log.

use std::{io, net::SocketAddr, sync::Arc};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::{
    ca::Subject,
    fault::SmtpFault,
    shared::{Place, Shared, client_hello, handshake, hold, part, reset},
};

/// The longest message.
const LONGEST: usize = 50 << 20;
/// The longest command line that is read at once.
const LONGEST_LINE: u64 = 8192;

/// Serves one connection to the mail host `host`.
pub async fn serve(
    lab: Arc<Shared>,
    host: String,
    stream: TcpStream,
    peer: SocketAddr,
) -> io::Result<()> {
    let place = Place {
        server: "smtp",
        host: Some(host.clone()),
        local: stream.local_addr()?,
        peer,
    };
    let facts = json!({"host": host, "address": place.local.ip(), "peer": peer.to_string()});
    lab.events.push("smtp-connect", facts);
    let fault = lab
        .world()
        .hosts
        .get(&host)
        .map(|host| host.smtp)
        .unwrap_or_default();
    match fault {
        SmtpFault::Closed => reset(stream),
        SmtpFault::Stall => hold(stream).await,
        _ => {
            converse(
                &Sink {
                    lab: &lab,
                    place,
                    host,
                    fault,
                },
                stream,
            )
            .await
        }
    }
}

/// A mail host in one connection.
struct Sink<'a> {
    lab: &'a Shared,
    place: Place,
    host: String,
    fault: SmtpFault,
}

async fn converse(sink: &Sink<'_>, stream: TcpStream) -> io::Result<()> {
    if let Some(greeting) = sink.refusal() {
        return part(stream, greeting.as_bytes()).await;
    }
    let mut session = Session::new(sink, BufReader::new(stream), None);
    session
        .say(&format!("220 {} ESMTP mtasts lab\r\n", sink.host))
        .await?;
    if session.run().await? == End::StartTls {
        // What was pipelined after STARTTLS is forgotten with the buffer (RFC 3207 §4.2).
        let stream = session.stream.into_inner();
        return secure(sink, stream).await;
    }
    Ok(())
}

async fn secure(sink: &Sink<'_>, stream: TcpStream) -> io::Result<()> {
    if sink.fault == SmtpFault::GarbageAfterStarttls {
        // Not before the client's hello: with the reply to STARTTLS the octets would be
        // plaintext, which clients drop.
        stream.readable().await?;
        return part(stream, b"\x00\xffnot TLS at all\r\n").await;
    }
    let hello = match client_hello(stream).await {
        Ok(hello) => hello,
        Err(error) => {
            sink.lab.tls_failed(&sink.place, None, &error.to_string());
            return Err(error);
        }
    };
    let facts = TlsFacts {
        sni: hello.1.clone(),
    };
    let config = sink
        .lab
        .ca
        .server(&sink.subject())
        .map_err(io::Error::other)?;
    let stream = handshake(sink.lab, &sink.place, hello, config).await?;
    Session::new(sink, BufReader::new(stream), Some(facts))
        .run()
        .await?;
    Ok(())
}

impl Sink<'_> {
    fn refusal(&self) -> Option<String> {
        match self.fault {
            SmtpFault::Greeting554 => Some(format!("554 {} no service\r\n", self.host)),
            SmtpFault::Greeting421 => Some(format!("421 {} come back later\r\n", self.host)),
            _ => None,
        }
    }

    fn subject(&self) -> Subject {
        Subject {
            name: self.host.clone(),
            address: self.place.local.ip(),
            kind: self.fault.certificate(),
            http: false,
        }
    }

    fn offers_starttls(&self) -> bool {
        self.fault != SmtpFault::NoStarttls
    }
}

/// What is known of the TLS session.
struct TlsFacts {
    sni: Option<String>,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Closed,
    StartTls,
}

/// What a command leads to.
enum Step {
    Reply(String),
    Data,
    StartTls,
    Quit,
}

struct Session<'a, S> {
    sink: &'a Sink<'a>,
    stream: BufReader<S>,
    tls: Option<TlsFacts>,
    helo: String,
    from: Option<String>,
    rcpts: Vec<String>,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Session<'a, S> {
    fn new(sink: &'a Sink<'a>, stream: BufReader<S>, tls: Option<TlsFacts>) -> Self {
        Self {
            sink,
            stream,
            tls,
            helo: String::new(),
            from: None,
            rcpts: Vec::new(),
        }
    }

    async fn run(&mut self) -> io::Result<End> {
        while let Some(line) = self.line().await? {
            match self.command(&line) {
                Step::Reply(reply) => self.say(&reply).await?,
                Step::StartTls => {
                    self.say("220 2.0.0 go ahead\r\n").await?;
                    return Ok(End::StartTls);
                }
                Step::Data => {
                    if !self.data().await? {
                        return Ok(End::Closed);
                    }
                }
                Step::Quit => {
                    self.say("221 2.0.0 bye\r\n").await?;
                    self.stream.shutdown().await?;
                    return Ok(End::Closed);
                }
            }
        }
        Ok(End::Closed)
    }

    async fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        let mut limited = (&mut self.stream).take(LONGEST_LINE);
        let length = limited.read_until(b'\n', &mut line).await?;
        Ok((length > 0).then(|| String::from_utf8_lossy(&line).trim_end().to_owned()))
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        self.stream.write_all(reply.as_bytes()).await?;
        self.stream.flush().await
    }

    fn command(&mut self, line: &str) -> Step {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => Step::Reply(self.ehlo(rest)),
            "HELO" => Step::Reply(self.hello(rest)),
            "STARTTLS" => self.starttls(),
            "MAIL" => Step::Reply(self.mail(rest).to_owned()),
            "RCPT" => Step::Reply(self.rcpt(rest).to_owned()),
            "DATA" => self.ready_for_data(),
            "RSET" => {
                self.forget();
                reply("250 2.0.0 forgotten")
            }
            "NOOP" => reply("250 2.0.0 fine"),
            "VRFY" => reply("252 2.0.0 send some mail"),
            "QUIT" => Step::Quit,
            _ => reply("500 5.5.1 unknown command"),
        }
    }

    fn hello(&mut self, name: &str) -> String {
        self.forget();
        self.helo = name.to_owned();
        format!("250 {}\r\n", self.sink.host)
    }

    fn ehlo(&mut self, name: &str) -> String {
        self.forget();
        self.helo = name.to_owned();
        let mut reply = format!(
            "250-{}\r\n250-PIPELINING\r\n250-8BITMIME\r\n",
            self.sink.host
        );
        if self.tls.is_none() && self.sink.offers_starttls() {
            reply += "250-STARTTLS\r\n";
        }
        reply + &format!("250-ENHANCEDSTATUSCODES\r\n250 SIZE {LONGEST}\r\n")
    }

    fn starttls(&self) -> Step {
        match self.sink.fault {
            _ if self.tls.is_some() => reply("503 5.5.1 already in TLS"),
            SmtpFault::NoStarttls => reply("502 5.5.1 not implemented"),
            SmtpFault::StarttlsRefused => reply("454 4.7.0 TLS not available"),
            _ => Step::StartTls,
        }
    }

    fn mail(&mut self, rest: &str) -> &'static str {
        let Some(from) = path(rest, "FROM:") else {
            return "501 5.5.4 write MAIL FROM:<address>\r\n";
        };
        if self.sink.fault == SmtpFault::TempfailMail {
            return "451 4.3.0 come back later\r\n";
        }
        let facts = json!({"host": self.sink.host, "tls": self.tls.is_some(), "from": from});
        self.sink.lab.events.push("smtp-mail", facts);
        self.from = Some(from);
        self.rcpts.clear();
        "250 2.1.0 sender fine\r\n"
    }

    fn rcpt(&mut self, rest: &str) -> &'static str {
        let Some(to) = path(rest, "TO:") else {
            return "501 5.5.4 write RCPT TO:<address>\r\n";
        };
        match self.sink.fault {
            _ if self.from.is_none() => "503 5.5.1 MAIL first\r\n",
            SmtpFault::RejectRcpt => "550 5.1.1 no such recipient\r\n",
            SmtpFault::TempfailRcpt => "450 4.2.1 come back later\r\n",
            _ => {
                self.rcpts.push(to);
                "250 2.1.5 recipient fine\r\n"
            }
        }
    }

    fn ready_for_data(&self) -> Step {
        match self.sink.fault {
            _ if self.rcpts.is_empty() => reply("503 5.5.1 RCPT first"),
            SmtpFault::RejectData => reply("554 5.7.1 not this message"),
            _ => Step::Data,
        }
    }

    /// Takes a message; false if the connection is to end.
    async fn data(&mut self) -> io::Result<bool> {
        self.say("354 end with a dot\r\n").await?;
        let message = self.message().await?;
        if self.sink.fault == SmtpFault::DropAfterData {
            self.record("smtp-dropped", &message);
            return Ok(false);
        }
        if message.len() > LONGEST {
            self.say("552 5.3.4 too long\r\n").await?;
        } else {
            self.record("delivery", &message);
            self.say("250 2.0.0 taken\r\n").await?;
        }
        self.forget();
        Ok(true)
    }

    /// Reads to the dot. Of a message that is too long, no more is kept than shows it.
    async fn message(&mut self) -> io::Result<Vec<u8>> {
        let mut message = Vec::new();
        let mut line = Vec::new();
        loop {
            line.clear();
            if self.stream.read_until(b'\n', &mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match line.strip_prefix(b".") {
                Some(b"\r\n" | b"\n") => return Ok(message),
                _ if message.len() > LONGEST => {}
                Some(rest) => message.extend_from_slice(rest),
                None => message.extend_from_slice(&line),
            }
        }
    }

    fn record(&self, kind: &str, message: &[u8]) {
        let place = &self.sink.place;
        let facts = json!({
            "host": self.sink.host, "address": place.local.ip(), "peer": place.peer.to_string(),
            "tls": self.tls.is_some(), "sni": self.tls.as_ref().and_then(|tls| tls.sni.clone()),
            "helo": self.helo, "from": self.from, "rcpts": self.rcpts, "size": message.len(),
            "message": String::from_utf8_lossy(message),
        });
        self.sink.lab.events.push(kind, facts);
    }

    fn forget(&mut self) {
        self.from = None;
        self.rcpts.clear();
    }
}

fn reply(line: &str) -> Step {
    Step::Reply(format!("{line}\r\n"))
}

/// The address in `FROM:<address> PARAMETERS`.
fn path(text: &str, word: &str) -> Option<String> {
    let (start, rest) = text.split_at_checked(word.len())?;
    let rest = rest.trim_start().strip_prefix('<')?;
    start
        .eq_ignore_ascii_case(word)
        .then(|| rest.split_once('>'))?
        .map(|(path, _)| path.to_owned())
}
