// SPDX-License-Identifier: MIT OR Apache-2.0

//! The requests of the line protocol ([readsocket](super::readsocket)): a word, a name, and what
//! belongs to it.

use super::name::Name;

/// What a line asks for.
pub enum Request<'a> {
    /// `policy NAME`; what follows is passed over.
    Policy(Name),
    /// `hosts NAME HOST…`: the hosts as they stand there, between spaces, colons or commas.
    Hosts(Name, Vec<&'a str>),
    /// `route NAME`, or to look again `route NAME again`.
    Route(Name, bool),
    /// Nothing that is known.
    Unknown,
}

impl<'a> Request<'a> {
    /// Reads a line, its end included or not.
    pub fn of(line: &'a [u8]) -> Self {
        let line = std::str::from_utf8(line).unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        let command = words.next().unwrap_or_default();
        let name = words.next().map_or(Name::Unknown, Name::of);
        let hosts = words.flat_map(|word| word.split([':', ',']));
        let hosts: Vec<_> = hosts.filter(|host| !host.is_empty()).collect();
        match command {
            "policy" => Self::Policy(name),
            "hosts" => Self::Hosts(name, hosts),
            "route" if hosts.is_empty() || hosts == ["again"] => {
                Self::Route(name, !hosts.is_empty())
            }
            _ => Self::Unknown,
        }
    }
}
