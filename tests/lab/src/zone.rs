// SPDX-License-Identifier: MIT OR Apache-2.0
//! What DNS says of a name: the answer a recursive resolver would give, or a fault.

use hickory_proto::{
    op::ResponseCode,
    rr::{
        Name, RData, Record, RecordType,
        rdata::{CNAME, MX, SOA, TLSA},
    },
};

use crate::{
    ca::Ca,
    domain::Domain,
    fault::{MxFault, NameFault, RecordFault, Tlsa},
    host::Host,
    record,
    value::dns_name,
    world::World,
};

/// How many aliases are followed.
const HOPS: usize = 8;

/// An answer, or what comes instead.
#[derive(Debug)]
pub enum Reply {
    /// Records, or their absence.
    Answer(Answer),
    /// Only a response code.
    Code(ResponseCode),
    /// A message that cannot be decoded.
    Malformed,
    /// Nothing.
    Silence,
}

/// Records, or their absence.
#[derive(Debug, Default)]
pub struct Answer {
    /// The answer section.
    pub records: Vec<Record>,
    /// The authority section: the SOA record of a negative answer.
    pub authority: Vec<Record>,
    /// Whether the name does not exist.
    pub nxdomain: bool,
    /// Whether a validating resolver would set the AD bit.
    pub secure: bool,
}

/// All that is at one name.
#[derive(Debug, Default)]
struct Node {
    exists: bool,
    secure: bool,
    fault: Option<Fault>,
    records: Vec<(u32, RData)>,
}

/// A fault of a node.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Code(ResponseCode),
    Gone,
    Malformed,
    Nodata,
    Silence,
}

/// The zones of a world.
pub struct Zone<'a> {
    /// The scene as it is now.
    pub world: &'a World,
    /// The CA, for the keys in TLSA records.
    pub ca: &'a Ca,
}

impl Zone<'_> {
    /// Answers a question.
    pub fn resolve(&self, question: &Name, kind: RecordType) -> Reply {
        let mut answer = Answer {
            secure: true,
            ..Answer::default()
        };
        let mut owner = question.clone();
        for _ in 0..HOPS {
            let name = key(&owner);
            let node = self.node(&name, kind);
            match node.fault {
                Some(Fault::Code(code)) => return Reply::Code(code),
                Some(Fault::Malformed) => return Reply::Malformed,
                Some(Fault::Silence) => return Reply::Silence,
                Some(Fault::Gone | Fault::Nodata) | None => {}
            }
            answer.secure &= node.secure;
            match self.step(&mut answer, &node, &owner, kind) {
                Some(target) => owner = target,
                None => return Reply::Answer(answer),
            }
        }
        Reply::Code(ResponseCode::ServFail)
    }

    /// Adds what the node has to say; the target if it is an alias.
    fn step(
        &self,
        answer: &mut Answer,
        node: &Node,
        owner: &Name,
        kind: RecordType,
    ) -> Option<Name> {
        let wanted = |data: &RData| kind == RecordType::ANY || data.record_type() == kind;
        let before = answer.records.len();
        let found = node.records.iter().filter(|(_, data)| wanted(data));
        answer
            .records
            .extend(found.map(|(ttl, data)| record(owner, *ttl, data.clone())));
        if answer.records.len() > before {
            return None;
        }
        if let Some((ttl, target)) = node.records.iter().find_map(alias) {
            answer
                .records
                .push(record(owner, ttl, RData::CNAME(CNAME(target.clone()))));
            return Some(target);
        }
        answer.nxdomain = !node.exists;
        answer.authority.extend(self.soa(&key(owner)));
        None
    }

    fn node(&self, name: &str, kind: RecordType) -> Node {
        let mut node = self.extras(name);
        node.exists |= self.world.is_parent(name);
        if let Some((domain, label)) = self.domain_above(name) {
            match label {
                "" => apex(domain, kind, &mut node),
                "_mta-sts" => sts(domain, &mut node),
                "_mta-sts.alias" => aliased(domain, &mut node),
                "_smtp._tls" => tlsrpt(domain, &mut node),
                "mta-sts" => policy_host(domain, &mut node),
                _ => {}
            }
            node.secure |= domain.secure;
            node.fault = name_fault(domain.dns).or(node.fault);
        }
        if let Some(host) = self.world.hosts.get(name) {
            mail_host(host, self.world.defaults.ttl, &mut node);
        }
        self.tlsa(name, &mut node);
        if node.records.is_empty() && node.fault.is_none() {
            self.alias_target(name, &mut node);
        }
        node.settle();
        node
    }

    fn extras(&self, name: &str) -> Node {
        let extras = self
            .world
            .records
            .get(name)
            .map(Vec::as_slice)
            .unwrap_or_default();
        Node {
            exists: !extras.is_empty(),
            secure: extras.iter().any(|extra| extra.secure),
            fault: None,
            records: extras
                .iter()
                .map(|extra| (extra.ttl, extra.data.clone()))
                .collect(),
        }
    }

    /// The closest domain at or above a name, and the labels before it.
    fn domain_above<'n>(&self, name: &'n str) -> Option<(&Domain, &'n str)> {
        let starts = std::iter::once(0).chain(name.match_indices('.').map(|(dot, _)| dot + 1));
        starts
            .filter_map(|start| Some((self.world.domains.get(&name[start..])?, start)))
            .map(|(domain, start)| (domain, name[..start].trim_end_matches('.')))
            .next()
    }

    /// `_25._tcp.<host>`, whatever the port is.
    fn tlsa(&self, name: &str, node: &mut Node) {
        let host = name
            .split_once("._tcp.")
            .filter(|(port, _)| port.starts_with('_'));
        let Some(host) = host.and_then(|(_, host)| self.world.hosts.get(host)) else {
            return;
        };
        let key = match host.tlsa {
            Tlsa::None => return,
            Tlsa::Match => self.ca.public_key(&host.name),
            Tlsa::Mismatch => self.ca.public_key("another.invalid"),
        };
        let Ok(key) = key else { return };
        let data = RData::TLSA(TLSA::new(3.into(), 1.into(), 0.into(), key));
        node.add(self.world.defaults.ttl, [data]);
        node.secure |= host.hostsecure;
    }

    /// The name that a policy host is an alias of has the policy host's addresses.
    fn alias_target(&self, name: &str, node: &mut Node) {
        let mut domains = self.world.domains.values();
        if let Some(domain) = domains.find(|domain| domain.cnamehost.as_deref() == Some(name)) {
            node.add(
                domain.ttl,
                domain.policy_addresses().into_iter().map(record::address),
            );
            node.secure |= domain.secure;
        }
    }

    fn soa(&self, name: &str) -> Option<Record> {
        let zone = match self.domain_above(name) {
            Some((domain, _)) => &domain.name,
            None => name.rsplit('.').next()?,
        };
        let ttl = self.world.defaults.negative_ttl;
        let (owner, contact) = (
            dns_name(zone).ok()?,
            dns_name(&format!("admin.{zone}")).ok()?,
        );
        let soa = SOA::new(owner.clone(), contact, 1, 3600, 600, 86_400, ttl);
        Some(record(&owner, ttl, RData::SOA(soa)))
    }
}

impl Node {
    fn add(&mut self, ttl: u32, data: impl IntoIterator<Item = RData>) {
        self.exists = true;
        self.records
            .extend(data.into_iter().map(|data| (ttl, data)));
    }

    /// Adds records unless the scene has its own of that type.
    fn add_unless_given(&mut self, ttl: u32, data: impl IntoIterator<Item = RData>) {
        let given: Vec<_> = self
            .records
            .iter()
            .map(|(_, data)| data.record_type())
            .collect();
        self.add(
            ttl,
            data.into_iter()
                .filter(|data| !given.contains(&data.record_type())),
        );
    }

    /// Turns the faults that are answers into answers.
    fn settle(&mut self) {
        match self.fault {
            Some(Fault::Gone) => {
                self.exists = false;
                self.records.clear();
            }
            Some(Fault::Nodata) => {
                self.exists = true;
                self.records.clear();
            }
            _ => {}
        }
    }
}

fn alias((ttl, data): &(u32, RData)) -> Option<(u32, Name)> {
    match data {
        RData::CNAME(CNAME(target)) => Some((*ttl, target.clone())),
        _ => None,
    }
}

fn apex(domain: &Domain, kind: RecordType, node: &mut Node) {
    node.exists = true;
    if kind == RecordType::MX {
        node.fault = mx_fault(domain.mxdns);
    }
    match domain.mxdns {
        MxFault::Gone => {}
        MxFault::Null => node.add(domain.ttl, [RData::MX(MX::new(0, Name::root()))]),
        _ => node.add_unless_given(domain.ttl, domain.mx.iter().filter_map(mx)),
    }
}

fn mx(mx: &crate::domain::Mx) -> Option<RData> {
    Some(RData::MX(MX::new(mx.preference, dns_name(&mx.host).ok()?)))
}

fn sts(domain: &Domain, node: &mut Node) {
    node.fault = record_fault(domain.record);
    if domain.record == RecordFault::Cname {
        let target = dns_name(&format!("_mta-sts.alias.{}", domain.name));
        node.add(
            domain.ttl,
            target.ok().map(|name| RData::CNAME(CNAME(name))),
        );
    } else {
        sts_records(domain, node);
    }
}

fn aliased(domain: &Domain, node: &mut Node) {
    if domain.record == RecordFault::Cname {
        sts_records(domain, node);
    }
}

fn sts_records(domain: &Domain, node: &mut Node) {
    let records = domain.sts_records();
    if !records.is_empty() {
        node.add(domain.ttl, records.into_iter().map(record::txt));
    }
}

fn tlsrpt(domain: &Domain, node: &mut Node) {
    if let Some(rua) = &domain.tlsrpt {
        let text = format!("v=TLSRPTv1; rua={rua}");
        node.add(domain.ttl, [record::txt(vec![text.into_bytes()])]);
    }
}

fn policy_host(domain: &Domain, node: &mut Node) {
    node.fault = name_fault(domain.policydns);
    match domain.cnamehost.as_deref().map(dns_name) {
        Some(Ok(target)) => node.add(domain.ttl, [RData::CNAME(CNAME(target))]),
        _ => {
            let addresses = domain.policy_addresses().into_iter().map(record::address);
            node.add_unless_given(domain.ttl, addresses);
        }
    }
}

fn mail_host(host: &Host, ttl: u32, node: &mut Node) {
    node.fault = name_fault(host.hostdns).or(node.fault);
    node.secure |= host.hostsecure;
    node.add_unless_given(ttl, host.addresses().into_iter().map(record::address));
}

fn name_fault(fault: NameFault) -> Option<Fault> {
    match fault {
        NameFault::Ok | NameFault::Private => None,
        NameFault::Gone => Some(Fault::Gone),
        NameFault::Nodata => Some(Fault::Nodata),
        NameFault::Malformed => Some(Fault::Malformed),
        NameFault::Servfail => Some(Fault::Code(ResponseCode::ServFail)),
        NameFault::Refused => Some(Fault::Code(ResponseCode::Refused)),
        NameFault::Timeout => Some(Fault::Silence),
    }
}

fn mx_fault(fault: MxFault) -> Option<Fault> {
    match fault {
        MxFault::Ok | MxFault::Gone | MxFault::Null => None,
        MxFault::Malformed => Some(Fault::Malformed),
        MxFault::Servfail => Some(Fault::Code(ResponseCode::ServFail)),
        MxFault::Refused => Some(Fault::Code(ResponseCode::Refused)),
        MxFault::Timeout => Some(Fault::Silence),
    }
}

fn record_fault(fault: RecordFault) -> Option<Fault> {
    match fault {
        RecordFault::Ok | RecordFault::Two | RecordFault::Invalid => None,
        RecordFault::Octets | RecordFault::Cname => None,
        RecordFault::Gone => Some(Fault::Gone),
        RecordFault::Nodata => Some(Fault::Nodata),
        RecordFault::Malformed => Some(Fault::Malformed),
        RecordFault::Formerr => Some(Fault::Code(ResponseCode::FormErr)),
        RecordFault::Servfail => Some(Fault::Code(ResponseCode::ServFail)),
        RecordFault::Refused => Some(Fault::Code(ResponseCode::Refused)),
        RecordFault::Timeout => Some(Fault::Silence),
    }
}

fn record(owner: &Name, ttl: u32, data: RData) -> Record {
    Record::from_rdata(owner.clone(), ttl, data)
}

/// A name as the world keeps it.
pub fn key(name: &Name) -> String {
    name.to_lowercase()
        .to_ascii()
        .trim_end_matches('.')
        .to_owned()
}
