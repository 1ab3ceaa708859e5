// SPDX-License-Identifier: MIT OR Apache-2.0

//! TXT records by DNS over HTTPS (RFC 8484), in wire format: for hosts that can send HTTP requests
//! and nothing else. CNAMEs are followed here where the server does not (R-TXT-1).
//!
//! ```
//! use mtasts_web::doh::{self, Question, Reply};
//!
//! let mut question = Question::txt("_mta-sts.example.com")?;
//! let answer = loop {
//!     let body = question.message(); // POST it to the server as doh::MEDIA_TYPE
//!     let reply = Reply { status: 502, ..Reply::default() }; // and what comes back goes in
//!     if let Some(answer) = question.answer(&reply) {
//!         break answer;
//!     }
//! };
//! assert_eq!(answer, Err(mtasts::TxtFailure::Temporary));
//! # Ok::<(), mtasts::TxtFailure>(())
//! ```

use domain::base::iana::{Class, Opcode, OptRcode, Rcode};
use domain::base::message::RecordSection;
use domain::base::name::{Name, ToName};
use domain::base::wire::ParseError;
use domain::base::{Message, MessageBuilder, Rtype};
use domain::rdata::{Cname, Soa, Txt};
use mtasts::{TxtAnswer, TxtFailure};

/// The media type of question and answer (RFC 8484 §6).
pub const MEDIA_TYPE: &str = "application/dns-message";

/// The largest answer there is, in octets (RFC 8484 §6).
pub const MAX_BODY: usize = 65_535;

/// The most CNAMEs that are followed from one name.
const MAX_CNAMES: usize = 12;

/// How long an absence counts of which the server does not say so, in seconds.
const UNKNOWN_TTL: u32 = 300;

type Owned = Name<Vec<u8>>;

/// A question for the TXT records of a name, and how far its CNAMEs have been followed.
#[derive(Clone, Debug)]
pub struct Question {
    /// The name that was asked for and, in order, where its CNAMEs lead.
    names: Vec<Owned>,
    /// The least TTL on the way.
    ttl: u32,
}

/// What the DoH server sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reply<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The value of `Content-Type`.
    pub content_type: Option<&'a str>,
    /// The value of `Age`: how long a cache has had the answer, in seconds.
    pub age: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

impl Question {
    /// Asks for the TXT records of `name`, which is fully qualified.
    ///
    /// # Errors
    /// [`TxtFailure::Permanent`]: the DNS has no such names.
    pub fn txt(name: &str) -> Result<Self, TxtFailure> {
        let name: Owned = name.parse().map_err(|_| TxtFailure::Permanent)?;
        Ok(Self {
            names: vec![name],
            ttl: u32::MAX,
        })
    }

    /// The message to send. Its id is 0 (RFC 8484 §4.1).
    pub fn message(&self) -> Vec<u8> {
        let mut question = MessageBuilder::new_vec();
        question.header_mut().set_rd(true);
        let mut question = question.question();
        if let Some(name) = self.names.last() {
            // Writing to a Vec does not fail.
            let _ = question.push((name, Rtype::TXT, Class::IN));
        }
        question.finish()
    }

    /// Takes the server's answer. `None`: it leads elsewhere; send [`Question::message`] again.
    pub fn answer(&mut self, reply: &Reply<'_>) -> Option<Result<TxtAnswer, TxtFailure>> {
        self.step(reply).transpose()
    }

    fn step(&mut self, reply: &Reply<'_>) -> Result<Option<TxtAnswer>, TxtFailure> {
        let message = message_of(reply)?;
        self.check(message)?;
        let mut found = Found::read(message).map_err(|_| TxtFailure::Permanent)?;
        found.grow_older(reply.age);
        let asked = self.names.len();
        self.walk(&found)?;
        if let Some(answer) = self.take(found.texts) {
            return Ok(Some(answer));
        }
        if message.header().rcode() == Rcode::NXDOMAIN || found.has_soa {
            return Err(self.absent(found.negative_ttl));
        }
        match self.names.len() > asked {
            true => Ok(None),
            // A server that does not recurse says where else to ask, which is no answer.
            false if found.is_referral => Err(TxtFailure::Temporary),
            false if found.is_empty => Err(self.absent(None)),
            false => Err(TxtFailure::Permanent), // it answers something else
        }
    }

    /// Whether this is an answer to what was asked, and a good one.
    fn check(&self, message: &Message<[u8]>) -> Result<(), TxtFailure> {
        let header = message.header();
        let question = message.sole_question().ok();
        let is_ours = question
            .zip(self.names.last())
            .is_some_and(|(question, name)| {
                question.qname().name_eq(name)
                    && question.qtype() == Rtype::TXT
                    && question.qclass() == Class::IN
            });
        if !header.qr() || header.opcode() != Opcode::QUERY {
            return Err(TxtFailure::Permanent);
        }
        match message.opt_rcode() {
            OptRcode::NOERROR | OptRcode::NXDOMAIN if header.tc() => Err(TxtFailure::Temporary),
            OptRcode::NOERROR | OptRcode::NXDOMAIN if is_ours => Ok(()),
            OptRcode::NOERROR | OptRcode::NXDOMAIN | OptRcode::FORMERR => {
                Err(TxtFailure::Permanent)
            }
            _ => Err(TxtFailure::Temporary),
        }
    }

    /// Goes on as far as the CNAMEs lead.
    fn walk(&mut self, found: &Found) -> Result<(), TxtFailure> {
        while let Some(alias) = self.names.last().and_then(|name| found.alias(name)) {
            if self.names.contains(&alias.target) || self.names.len() > MAX_CNAMES {
                return Err(TxtFailure::Permanent);
            }
            self.names.push(alias.target.clone());
            self.ttl = self.ttl.min(alias.ttl);
        }
        Ok(())
    }

    /// The TXT records at the end of the chain, if there are any.
    fn take(&self, texts: Vec<Text>) -> Option<TxtAnswer> {
        let end = self.names.last()?;
        let (mut records, mut ttl) = (Vec::new(), self.ttl);
        for text in texts.into_iter().filter(|text| text.owner == *end) {
            ttl = ttl.min(text.ttl);
            records.push(text.octets);
        }
        let ttl = Some(ttl);
        (!records.is_empty()).then_some(TxtAnswer { records, ttl })
    }

    /// A negative TTL is not longer than those of the CNAMEs before it.
    fn absent(&self, ttl: Option<u32>) -> TxtFailure {
        let ttl = match ttl {
            None if self.names.len() == 1 => None,
            ttl => Some(ttl.unwrap_or(UNKNOWN_TTL).min(self.ttl)),
        };
        TxtFailure::NoRecords { ttl }
    }
}

/// The message in an HTTP response; any other response is a failure of the server.
fn message_of<'a>(reply: &Reply<'a>) -> Result<&'a Message<[u8]>, TxtFailure> {
    let content_type = reply.content_type.unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if reply.status != 200 || !media_type.eq_ignore_ascii_case(MEDIA_TYPE) {
        return Err(TxtFailure::Temporary);
    }
    if reply.body.len() > MAX_BODY {
        return Err(TxtFailure::Permanent);
    }
    Message::from_slice(reply.body).map_err(|_| TxtFailure::Permanent)
}

struct Alias {
    owner: Owned,
    target: Owned,
    ttl: u32,
}

struct Text {
    owner: Owned,
    octets: Vec<u8>,
    ttl: u32,
}

/// What matters in an answer.
#[derive(Default)]
struct Found {
    aliases: Vec<Alias>,
    texts: Vec<Text>,
    /// There is no answer at all.
    is_empty: bool,
    has_soa: bool,
    /// From the SOA record (RFC 2308 §5).
    negative_ttl: Option<u32>,
    /// There are name servers instead of an answer.
    is_referral: bool,
}

impl Found {
    fn read(message: &Message<[u8]>) -> Result<Self, ParseError> {
        let mut found = Self::default();
        let (_, answer, authority, _) = message.sections()?;
        found.is_empty = answer.clone().next().is_none();
        found.read_answer(answer)?;
        found.read_authority(authority)?;
        Ok(found)
    }

    fn read_answer(&mut self, section: RecordSection<'_, [u8]>) -> Result<(), ParseError> {
        for record in section {
            let record = record?;
            let (owner, ttl) = (record.owner(), record.ttl().as_secs());
            if record.class() != Class::IN {
                continue;
            }
            if let Some(cname) = record.to_record::<Cname<_>>()? {
                self.aliases.push(Alias {
                    owner: owner.to_vec(),
                    target: cname.data().cname().to_vec(),
                    ttl,
                });
            } else if let Some(txt) = record.to_record::<Txt<_>>()? {
                self.texts.push(Text {
                    owner: owner.to_vec(),
                    octets: txt.data().text(),
                    ttl,
                });
            }
        }
        Ok(())
    }

    fn read_authority(&mut self, section: RecordSection<'_, [u8]>) -> Result<(), ParseError> {
        for record in section {
            let record = record?;
            self.is_referral |= record.rtype() == Rtype::NS;
            if let Some(soa) = record.to_record::<Soa<_>>()? {
                let ttl = record.ttl().min(soa.data().minimum()).as_secs();
                self.negative_ttl = Some(self.negative_ttl.map_or(ttl, |known| known.min(ttl)));
                self.has_soa = true;
            }
        }
        Ok(())
    }

    /// What a cache has kept for a while does not last as long any more (RFC 8484 §5.1).
    fn grow_older(&mut self, age: Option<&str>) {
        let age = age.and_then(|age| age.trim().parse().ok()).unwrap_or(0);
        let aliases = self.aliases.iter_mut().map(|alias| &mut alias.ttl);
        let texts = self.texts.iter_mut().map(|text| &mut text.ttl);
        for ttl in aliases.chain(texts).chain(&mut self.negative_ttl) {
            *ttl = ttl.saturating_sub(age);
        }
    }

    fn alias(&self, name: &Owned) -> Option<&Alias> {
        self.aliases.iter().find(|alias| alias.owner == *name)
    }
}
