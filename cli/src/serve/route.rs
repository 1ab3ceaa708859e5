// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which MX hosts may have the mail of a domain, in the order in which they are to be tried: for
//! Exim, which cannot filter the hosts that it looks up itself.

use super::service::{Answer, Service};
use mtasts::{Basis, DomainDane, PolicyDomain};
use mtasts_host::Mx;

/// The most hosts of one answer. Exim looks up the addresses of all and then tries five.
const MOST: usize = 10;

/// The most hosts that are named where none may have the mail.
const NAMED: usize = 3;

/// What is known of a domain, and where its mail may go.
pub struct Route {
    pub answer: Answer,
    pub way: Way,
}

/// Where the mail of a domain may go.
pub enum Way {
    /// No policy is enforced: the sender knows best.
    Any,
    /// To these hosts. Between hosts of different preference there is a `+`.
    Hosts(String),
    /// To none for now: a word, and a line for a person.
    None(&'static str, String),
}

/// Finds the route. Where the policy leaves no host a newer one is looked for, and with `again` in
/// any case (R-FLOW-6). `None`: nothing is known for now.
pub async fn route(service: &Service, domain: &PolicyDomain, again: bool) -> Option<Route> {
    let mut answer = service.answer(domain).await?;
    if answer.is_temporary() {
        return None;
    }
    let mut may_look = answer.outcome.basis() == Basis::Cached;
    if again && may_look {
        answer.outcome = service.look_again(domain).await?;
        may_look = false;
    }
    let mut way = way(service, domain, &answer).await;
    if may_look && matches!(way, Way::None("mx-not-listed", _)) {
        answer.outcome = service.look_again(domain).await?;
        way = self::way(service, domain, &answer).await;
    }
    Some(Route { answer, way })
}

async fn way(service: &Service, domain: &PolicyDomain, answer: &Answer) -> Way {
    if !answer.outcome.is_enforced() {
        return Way::Any;
    }
    match service.network.mx(domain.as_str()).await {
        Ok(found) if found.hosts.is_empty() => {
            // No policy lists it, so that nobody has mail returned by forging one.
            let why = format!("{domain}: a null MX, and a policy that does not allow it");
            Way::None("null-mx", why)
        }
        Ok(found) => choose(service, domain, answer, &found.hosts).await,
        Err(_) => {
            let why = format!("{domain}: the MX records cannot be looked up for now");
            Way::None("mx-unknown", why)
        }
    }
}

async fn choose(service: &Service, domain: &PolicyDomain, answer: &Answer, hosts: &[Mx]) -> Way {
    let may_go = hosts.iter().filter(|mx| may_have_it(answer, &mx.host));
    let may_go: Vec<_> = may_go.take(MOST).collect();
    if may_go.is_empty() {
        return Way::None("mx-not-listed", not_listed(domain, hosts));
    }
    let found = with_address(service, &may_go).await;
    // Exim says what is wrong with the addresses where none can be found.
    Way::Hosts(list(if found.is_empty() { &may_go } else { &found }))
}

/// Those that have addresses. Exim tries no host at all where those of one cannot be looked up.
async fn with_address<'a>(service: &Service, hosts: &[&'a Mx]) -> Vec<&'a Mx> {
    let mut found = Vec::new();
    for &mx in hosts {
        if hosts.len() == 1 || service.network.has_address(&mx.host).await {
            found.push(mx);
        }
    }
    found
}

fn list(hosts: &[&Mx]) -> String {
    let groups = hosts.chunk_by(|left, right| left.preference == right.preference);
    let groups = groups.map(|group| {
        let names: Vec<_> = group.iter().map(|mx| mx.host.as_str()).collect();
        names.join(":")
    });
    groups.collect::<Vec<_>>().join(":+:")
}

/// Whether the policy lists the host; with DANE, which authenticates the MX records, any host.
fn may_have_it(answer: &Answer, host: &str) -> bool {
    let policy = answer.outcome.policy();
    match answer.dane {
        DomainDane::Usable => host.parse::<PolicyDomain>().is_ok(),
        _ => policy.is_some_and(|policy| policy.matches(host)),
    }
}

fn not_listed(domain: &PolicyDomain, hosts: &[Mx]) -> String {
    let names: Vec<_> = hosts.iter().take(NAMED).map(|mx| clean(&mx.host)).collect();
    let more = if hosts.len() > NAMED { ", ..." } else { "" };
    let names = names.join(", ");
    format!("{domain}: the MX host is not listed in the policy ({names}{more})")
}

/// What comes from the network, for people: nothing in it means anything to Exim.
fn clean(name: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_graphic() && !"\"$\\{}".contains(*c);
    name.chars()
        .map(|c| Some(c).filter(is_plain).unwrap_or('?'))
        .collect()
}
