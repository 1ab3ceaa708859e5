// SPDX-License-Identifier: MIT OR Apache-2.0

//! What goes wrong, and when: single domains and the whole network, DNS and HTTPS, for a moment or
//! for longer; and what is published meanwhile.

use crate::Outcome;
use crate::model::{Domain, Kind};
use crate::random::Random;
use mtasts_lab::Lab;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant};

const FAULTS: &[&str] = &[
    "record=servfail",
    "record=timeout",
    "record=refused",
    "record=malformed",
    "record=gone",
    "record=nodata",
    "record=two",
    "record=invalid",
    "dns=servfail",
    "dns=timeout",
    "dns=gone",
    "policydns=servfail",
    "policydns=gone",
    "https=error500",
    "https=notfound",
    "https=redirect",
    "https=html",
    "https=oversize",
    "https=drip",
    "https=interim",
    "https=gzip",
    "https=truncated",
    "https=garbage",
    "https=stall-http",
    "https=stall-tls",
    "https=reset",
    "https=refused",
    "https=wrong-name",
    "https=expired",
    "https=untrusted",
    "https=self-signed",
];

/// How all of it is made good.
const SOUND: &str = "record=ok dns=ok policydns=ok https=ok";

/// How often something happens.
const TICK: Duration = Duration::from_millis(250);

/// The six fetches in five minutes (R-GET-5) must suffice for what is published: two minutes, in a
/// run of half an hour.
fn between_versions(longest: Duration) -> Duration {
    longest * 3
}

/// What has happened.
#[derive(Debug, Default)]
pub struct Weather {
    pub faults: usize,
    pub outages: usize,
    pub versions: usize,
    /// The domains with something wrong, and until when.
    spoiled: Vec<(usize, Instant)>,
}

impl Weather {
    /// Lets it happen until `is_over`, and then ends all faults. `longest`: how long a fault lasts.
    pub fn run(
        mut self,
        lab: &Lab,
        domains: &[Domain],
        longest: Duration,
        mut random: Random,
        is_over: &AtomicBool,
    ) -> Outcome<Self> {
        let between_outages = longest * 3;
        let mut next_outage = Instant::now() + longest;
        while !is_over.load(Relaxed) {
            sleep(TICK);
            lab.ctl("clear")?; // its log would grow
            self.heal(lab, domains, Instant::now())?;
            self.publish(lab, domains, between_versions(longest), &mut random)?;
            if Instant::now() >= next_outage {
                self.outage(lab, domains, longest, &mut random)?;
                next_outage = Instant::now() + between_outages;
            } else if random.once_in(3) {
                let number = random.below(domains.len());
                let fault = FAULTS[random.below(FAULTS.len())];
                let time = longest.mul_f64(random.below(100) as f64 / 100.0);
                self.spoil(lab, domains, number, fault, time)?;
            }
        }
        let end = Instant::now() + longest * 2;
        self.heal(lab, domains, end)?;
        Ok(self)
    }

    /// The same is wrong with all.
    fn outage(
        &mut self,
        lab: &Lab,
        domains: &[Domain],
        longest: Duration,
        random: &mut Random,
    ) -> Outcome<()> {
        let fault = FAULTS[random.below(FAULTS.len())];
        let time = longest / 2;
        self.outages += 1;
        for number in 0..domains.len() {
            self.spoil(lab, domains, number, fault, time)?;
        }
        Ok(())
    }

    fn spoil(
        &mut self,
        lab: &Lab,
        domains: &[Domain],
        number: usize,
        fault: &str,
        time: Duration,
    ) -> Outcome<()> {
        let domain = &domains[number];
        if domain.is_faulty() || (domain.kind == Kind::Absent && fault.starts_with("https")) {
            return Ok(());
        }
        domain.spoil();
        lab.set(&domain.name, fault)?;
        self.spoiled.push((number, Instant::now() + time));
        self.faults += 1;
        Ok(())
    }

    /// Ends the faults whose time is over at `now`.
    fn heal(&mut self, lab: &Lab, domains: &[Domain], now: Instant) -> Outcome<()> {
        let (over, rest) = self.spoiled.drain(..).partition(|(_, until)| *until <= now);
        self.spoiled = rest;
        let over: Vec<(usize, Instant)> = over;
        for (number, _) in over {
            lab.set(&domains[number].name, SOUND)?;
            domains[number].heal();
        }
        Ok(())
    }

    /// Another policy of some domain.
    fn publish(
        &mut self,
        lab: &Lab,
        domains: &[Domain],
        youngest: Duration,
        random: &mut Random,
    ) -> Outcome<()> {
        let domain = &domains[random.below(domains.len())];
        if domain.kind != Kind::Changing {
            return Ok(());
        }
        if let Some(version) = domain.publish(youngest) {
            let pairs = format!("id=v{version} policy_mx=mx{version}.example");
            lab.set(&domain.name, &pairs)?;
            domain.published();
            self.versions += 1;
        }
        Ok(())
    }
}
