// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything a scene says, as it is now: domains, mail hosts, extra records. `set` changes it,
//! `reset` brings the scene back.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, Ipv4Addr},
};

use crate::{domain::Domain, error::Error, host::Host, record::Extra, value::Value};

/// A key and what it is set to.
pub type Pair = (String, Value);

/// What a scene sets for all.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The time to live of records that say nothing else.
    pub ttl: u32,
    /// The time to live of negative answers.
    pub negative_ttl: u32,
    /// Where policy hosts listen.
    pub https_listen: Vec<IpAddr>,
    /// The first mail host's address.
    pub smtp_base: Ipv4Addr,
    /// Keys that every domain starts with.
    pub domain: Vec<Pair>,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            ttl: 60,
            negative_ttl: 60,
            https_listen: [1, 2, 3]
                .map(|last| IpAddr::from([127, 0, 0, last]))
                .to_vec(),
            smtp_base: Ipv4Addr::new(127, 0, 1, 1),
            domain: Vec::new(),
        }
    }
}

/// The scene as it is now.
#[derive(Debug, Default)]
pub struct World {
    /// What holds for all.
    pub defaults: Defaults,
    /// The domains by name.
    pub domains: HashMap<String, Domain>,
    /// The mail hosts by name.
    pub hosts: HashMap<String, Host>,
    /// The extra records by name.
    pub records: HashMap<String, Vec<Extra>>,
    parents: HashSet<String>,
    scene_domains: HashMap<String, Domain>,
    scene_hosts: HashMap<String, Host>,
    listening: HashSet<Ipv4Addr>,
}

impl World {
    /// An empty world.
    pub fn new(defaults: Defaults) -> Self {
        Self {
            defaults,
            ..Self::default()
        }
    }

    /// Remembers the present state as the one to come back to.
    pub fn remember(&mut self) {
        self.scene_domains.clone_from(&self.domains);
        self.scene_hosts.clone_from(&self.hosts);
    }

    /// Adds a domain, or replaces one.
    pub fn add(&mut self, name: &str, pairs: &[Pair]) -> Result<(), Error> {
        let mut domain = Domain::new(name)?;
        domain.ttl = self.defaults.ttl;
        for (key, value) in self.defaults.domain.iter().chain(pairs) {
            domain.set(key, value).map_err(|error| error.within(name))?;
        }
        self.insert(domain);
        Ok(())
    }

    /// Sets keys of a domain, of a mail host, or of what is both; all or none.
    pub fn set(&mut self, name: &str, pairs: &[Pair]) -> Result<(), Error> {
        let name = crate::value::name(name)?;
        let mut domain = self.domains.get(&name).cloned();
        let mut host = self.hosts.get(&name).cloned();
        if domain.is_none() && host.is_none() {
            return Err(self.stranger(&name));
        }
        for (key, value) in pairs {
            match (&mut domain, &mut host) {
                (_, Some(host)) if Host::KEYS.contains(&key.as_str()) => host.set(key, value)?,
                (Some(domain), _) => domain.set(key, value)?,
                (None, Some(host)) => host.set(key, value)?,
                (None, None) => {}
            }
        }
        self.hosts.extend(host.map(|host| (name, host)));
        if let Some(domain) = domain {
            self.insert(domain);
        }
        Ok(())
    }

    /// Brings one name back to the scene, or all.
    pub fn reset(&mut self, name: Option<&str>) -> Result<(), Error> {
        let names: Vec<String> = match name {
            Some(name) => vec![crate::value::name(name)?],
            None => self
                .domains
                .keys()
                .chain(self.hosts.keys())
                .cloned()
                .collect(),
        };
        for name in names {
            self.reset_one(&name)?;
        }
        Ok(())
    }

    fn reset_one(&mut self, name: &str) -> Result<(), Error> {
        if !self.domains.contains_key(name) && !self.hosts.contains_key(name) {
            return Err(self.stranger(name));
        }
        match self.scene_domains.get(name) {
            Some(domain) => _ = self.domains.insert(name.to_owned(), domain.clone()),
            None => _ = self.domains.remove(name),
        }
        if let Some(host) = self.hosts.get_mut(name) {
            let fresh = || Host::new(name.to_owned(), host.listen);
            *host = self.scene_hosts.get(name).cloned().unwrap_or_else(fresh);
        }
        Ok(())
    }

    fn stranger(&self, name: &str) -> Error {
        Error::new(format!(
            "the scene has neither a domain nor a mail host `{name}` ({} domains, {} hosts)",
            self.domains.len(),
            self.hosts.len()
        ))
    }

    fn insert(&mut self, domain: Domain) {
        for host in domain.mail_hosts() {
            self.ensure_host(host);
        }
        self.note_parents(&domain.name);
        self.domains.insert(domain.name.clone(), domain);
    }

    /// Makes a mail host unless there is one.
    pub fn ensure_host(&mut self, name: &str) {
        if !self.hosts.contains_key(name) {
            let listen = self.free_address();
            self.add_host(Host::new(name.to_owned(), listen));
        }
    }

    /// Adds a mail host.
    pub fn add_host(&mut self, host: Host) {
        self.note_parents(&host.name);
        self.listening.insert(host.listen);
        self.hosts.insert(host.name.clone(), host);
    }

    /// The next address without a sink; those that end in 0 or 255 are left out.
    pub fn free_address(&self) -> Ipv4Addr {
        let mut bits = self.defaults.smtp_base.to_bits();
        loop {
            let address = Ipv4Addr::from_bits(bits);
            let last = address.octets()[3];
            if last != 0 && last != 255 && !self.listening.contains(&address) {
                return address;
            }
            bits = bits.wrapping_add(1);
        }
    }

    /// Notes that the names above this one exist.
    pub fn note_parents(&mut self, name: &str) {
        let mut rest = name;
        while let Some((_, parent)) = rest.split_once('.') {
            self.parents.insert(parent.to_owned());
            rest = parent;
        }
    }

    /// Whether there is a name below this one.
    pub fn is_parent(&self, name: &str) -> bool {
        self.parents.contains(name)
    }

    /// The domain whose policy host this is.
    pub fn policy_domain(&self, host: &str) -> Option<&Domain> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.domains.get(host.strip_prefix("mta-sts.")?)
    }

    /// The names and addresses of all mail hosts.
    pub fn sinks(&self) -> Vec<(String, Ipv4Addr)> {
        self.hosts
            .values()
            .map(|host| (host.name.clone(), host.listen))
            .collect()
    }
}
