// SPDX-License-Identifier: MIT OR Apache-2.0
//! The DNS server, over UDP and TCP: a recursive resolver whose internet is the scene.

use std::{io, sync::Arc};

use hickory_proto::{
    ProtoError,
    op::{Edns, Message, MessageType, OpCode, Query, ResponseCode},
    rr::DNSClass,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
};

use crate::{
    shared::{Shared, hold},
    zone::{Reply, Zone, key},
};

/// What a client without EDNS takes over UDP (RFC 1035 §2.3.4).
const PLAIN_UDP: usize = 512;
/// What the lab says it takes over UDP.
const UDP_PAYLOAD: u16 = 1232;

/// Answers over UDP.
pub async fn udp(lab: Arc<Shared>, socket: UdpSocket) {
    let mut buffer = vec![0; 65_535];
    loop {
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        if let Some(answer) = answer(&lab, &buffer[..length], true) {
            // Nobody waits for an answer that does not arrive.
            _ = socket.send_to(&answer, client).await;
        }
    }
}

/// Answers over one TCP connection.
pub async fn tcp(lab: Arc<Shared>, mut stream: TcpStream) -> io::Result<()> {
    loop {
        let length = stream.read_u16().await?;
        let mut query = vec![0; usize::from(length)];
        stream.read_exact(&mut query).await?;
        let Some(answer) = answer(&lab, &query, false) else {
            return hold(stream).await;
        };
        let length = u16::try_from(answer.len()).unwrap_or(u16::MAX);
        let framed = [&length.to_be_bytes()[..], &answer[..usize::from(length)]].concat();
        stream.write_all(&framed).await?;
    }
}

/// The answer to a query, or nothing if it stays without.
fn answer(lab: &Shared, octets: &[u8], udp: bool) -> Option<Vec<u8>> {
    let query = Message::from_vec(octets).ok()?;
    let mut response = Message::response(query.metadata.id, query.metadata.op_code);
    response.metadata.recursion_desired = query.metadata.recursion_desired;
    response.metadata.recursion_available = true;
    response.add_queries(query.queries.iter().cloned());
    response.edns = query.edns.as_ref().map(echo);
    match question(&query) {
        Ok(question) => {
            note(lab, question, udp);
            let reply = {
                let world = lab.world();
                Zone {
                    world: &world,
                    ca: &lab.ca,
                }
                .resolve(question.name(), question.query_type())
            };
            encode(response, reply, &query, udp)
        }
        Err(code) => encode(response, Reply::Code(code), &query, udp),
    }
}

fn question(query: &Message) -> Result<&Query, ResponseCode> {
    if query.metadata.message_type != MessageType::Query {
        return Err(ResponseCode::FormErr);
    }
    if query.metadata.op_code != OpCode::Query {
        return Err(ResponseCode::NotImp);
    }
    match &query.queries[..] {
        [question] if question.query_class() == DNSClass::IN => Ok(question),
        [_] => Err(ResponseCode::Refused),
        _ => Err(ResponseCode::FormErr),
    }
}

fn note(lab: &Shared, question: &Query, udp: bool) {
    let facts = json!({
        "name": key(question.name()), "type": question.query_type().to_string(),
        "transport": if udp { "udp" } else { "tcp" },
    });
    lab.events.push("dns", facts);
}

fn echo(edns: &Edns) -> Edns {
    let mut echo = Edns::new();
    echo.set_max_payload(UDP_PAYLOAD);
    echo.set_dnssec_ok(edns.flags().dnssec_ok);
    echo
}

fn encode(mut response: Message, reply: Reply, query: &Message, udp: bool) -> Option<Vec<u8>> {
    match reply {
        Reply::Answer(answer) => {
            let wants_ad = query.metadata.authentic_data
                || query
                    .edns
                    .as_ref()
                    .is_some_and(|edns| edns.flags().dnssec_ok);
            response.metadata.authentic_data = answer.secure && wants_ad;
            if answer.nxdomain {
                response.metadata.response_code = ResponseCode::NXDomain;
            }
            response.add_answers(answer.records);
            response.add_authorities(answer.authority);
            let limit = if udp {
                payload(query)
            } else {
                usize::from(u16::MAX)
            };
            fit(&response, limit).ok()
        }
        Reply::Code(code) => {
            response.metadata.response_code = code;
            response.to_vec().ok()
        }
        Reply::Malformed => malformed(response).ok(),
        Reply::Silence => None,
    }
}

fn payload(query: &Message) -> usize {
    let edns = query
        .edns
        .as_ref()
        .map(|edns| usize::from(edns.max_payload()));
    edns.map_or(PLAIN_UDP, |size| size.clamp(PLAIN_UDP, 4096))
}

fn fit(response: &Message, limit: usize) -> Result<Vec<u8>, ProtoError> {
    let octets = response.to_vec()?;
    if octets.len() <= limit {
        Ok(octets)
    } else {
        response.truncate().to_vec()
    }
}

/// A good header and question, then one record that is none.
fn malformed(mut response: Message) -> Result<Vec<u8>, ProtoError> {
    response.edns = None;
    let mut octets = response.to_vec()?;
    octets[6..8].copy_from_slice(&1_u16.to_be_bytes());
    octets.extend([0xff; 9]);
    Ok(octets)
}
