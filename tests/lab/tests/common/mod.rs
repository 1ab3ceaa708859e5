// SPDX-License-Identifier: MIT OR Apache-2.0
//! Plain clients for the lab's servers: raw DNS messages, one HTTPS request, an SMTP
//! conversation.

#![allow(dead_code)] // Each test program uses some of these.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{IpAddr, SocketAddr, TcpStream, UdpSocket},
    sync::Arc,
    time::Duration,
};

use hickory_proto::{
    op::{Edns, Message, MessageType, OpCode, Query},
    rr::{Name, RData, RecordType},
};
use mtasts_lab::Lab;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

pub const LIMIT: Duration = Duration::from_secs(5);

pub const SCENE: &str = r#"
[defaults]
ttl = 300
negative_ttl = 7

[[domain]]
name = "good.example"
id = "20260101T000000"
policy = "enforce"
mx = ["mx1.good.example", { host = "mx2.good.example", preference = 50 }]
policy_mx = ["*.good.example"]
tlsrpt = "mailto:r@good.example"

[[domain]]
name = "signed.example"
secure = true

[[host]]
name = "mx.signed.example"
hostsecure = true
tlsa = "match"

[[bulk]]
count = 3
pattern = "d{}.load.example"
id = "1"
policy = "testing"

[[record]]
name = "big.example"
type = "TXT"
value = ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"]

[[record]]
name = "alias.example"
type = "CNAME"
value = "mx1.good.example"
"#;

pub fn lab() -> Lab {
    Lab::start(SCENE).unwrap()
}

pub fn query(name: &str, kind: RecordType) -> Message {
    let mut message = Message::new(4711, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message
}

pub fn with_edns(mut message: Message, size: u16, dnssec_ok: bool) -> Message {
    let mut edns = Edns::new();
    edns.set_max_payload(size).set_dnssec_ok(dnssec_ok);
    message.set_edns(edns);
    message
}

pub fn udp_octets(lab: &Lab, message: &Message, limit: Duration) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(limit))?;
    socket.send_to(&message.to_vec().unwrap(), lab.dns())?;
    let mut buffer = vec![0; 65_535];
    let length = socket.recv(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

pub fn udp(lab: &Lab, message: &Message) -> Message {
    Message::from_vec(&udp_octets(lab, message, LIMIT).unwrap()).unwrap()
}

pub fn tcp(lab: &Lab, message: &Message) -> Message {
    let mut stream = connect(lab.dns());
    let octets = message.to_vec().unwrap();
    stream
        .write_all(&u16::try_from(octets.len()).unwrap().to_be_bytes())
        .unwrap();
    stream.write_all(&octets).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply).unwrap();
    Message::from_vec(&reply).unwrap()
}

pub fn ask(lab: &Lab, name: &str, kind: RecordType) -> Message {
    udp(lab, &query(name, kind))
}

/// The records of an answer, as text.
pub fn texts(message: &Message) -> Vec<String> {
    message
        .answers
        .iter()
        .map(|record| text(&record.data))
        .collect()
}

fn text(data: &RData) -> String {
    match data {
        RData::TXT(txt) => {
            let strings = txt
                .txt_data
                .iter()
                .map(|string| String::from_utf8_lossy(string));
            strings.collect::<Vec<_>>().join("|")
        }
        other => other.to_string(),
    }
}

pub fn address(lab: &Lab, name: &str) -> IpAddr {
    let reply = ask(lab, name, RecordType::A);
    let mut addresses = reply
        .answers
        .iter()
        .filter_map(|record| record.data.ip_addr());
    addresses.next().unwrap()
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, LIMIT).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

/// A client that trusts the lab's CA.
pub fn client(lab: &Lab) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(lab.ca_file()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// A TLS session; the handshake is done when this returns.
pub fn tls<S: Read + Write>(
    lab: &Lab,
    name: &str,
    mut stream: S,
) -> io::Result<StreamOwned<ClientConnection, S>> {
    let server = ServerName::try_from(name.to_owned()).unwrap();
    let mut connection = ClientConnection::new(client(lab), server).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(connection, stream))
}

/// Connects to a policy host as DNS says and does the handshake.
pub fn https_connect(
    lab: &Lab,
    host: &str,
) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    tls(
        lab,
        host,
        connect((address(lab, host), lab.https_port()).into()),
    )
}

pub fn get(host: &str) -> String {
    format!("GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: {host}\r\nUser-Agent: test\r\n\r\n")
}

/// Fetches a policy: everything the host sent.
pub fn fetch(lab: &Lab, domain: &str) -> io::Result<String> {
    let host = format!("mta-sts.{domain}");
    let mut stream = https_connect(lab, &host)?;
    stream.write_all(get(&host).as_bytes())?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    Ok(String::from_utf8_lossy(&reply).into_owned())
}

/// One side of an SMTP conversation.
pub struct Talk<S>(pub BufReader<S>);

impl Talk<TcpStream> {
    pub fn to(lab: &Lab, host: &str) -> Self {
        let stream = connect((address(lab, host), lab.smtp_port()).into());
        Self(BufReader::new(stream))
    }

    /// Says STARTTLS and does the handshake.
    pub fn secure(
        mut self,
        lab: &Lab,
        host: &str,
    ) -> io::Result<Talk<StreamOwned<ClientConnection, TcpStream>>> {
        assert_eq!(self.say("STARTTLS"), "220 2.0.0 go ahead");
        Ok(Talk(BufReader::new(tls(lab, host, self.0.into_inner())?)))
    }
}

impl<S: Read + Write> Talk<S> {
    /// A reply, its lines joined by `/`; empty at the end of the connection.
    pub fn hear(&mut self) -> String {
        let mut lines = Vec::new();
        let mut line = String::new();
        while self.0.read_line(&mut line).unwrap_or(0) > 0 {
            lines.push(line.trim_end().to_owned());
            if line.as_bytes().get(3) != Some(&b'-') {
                break;
            }
            line.clear();
        }
        lines.join("/")
    }

    pub fn say(&mut self, line: &str) -> String {
        self.0
            .get_mut()
            .write_all(format!("{line}\r\n").as_bytes())
            .unwrap();
        self.0.get_mut().flush().unwrap();
        self.hear()
    }
}
