// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which steps lead from one policy to another.

use super::{Present, Step, Wait, steps};
use crate::draft::{DAY, Draft};
use crate::error::Error;
use crate::id::{following, id_at};
use alloc::{string::String, vec::Vec};
use mtasts::{Mode, Policy, PolicyDomain, PolicyId, UnixTime};

/// A plan in the making: the steps so far, and what is published after them.
struct Course<'a> {
    domain: &'a PolicyDomain,
    now: UnixTime,
    id: Option<PolicyId>,
    steps: Vec<Step>,
}

impl<'a> Course<'a> {
    fn new(domain: &'a PolicyDomain, now: UnixTime, id: Option<&PolicyId>) -> Self {
        let (id, steps) = (id.cloned(), Vec::new());
        Self {
            domain,
            now,
            id,
            steps,
        }
    }

    /// The policy, then the record: never the other way round.
    fn publish(&mut self, draft: &Draft, why: &str, wait: Wait) -> Result<(), Error> {
        let policy = draft.write()?;
        let id = match &self.id {
            Some(present) => following(present, self.now),
            None => id_at(self.now),
        };
        self.steps.push(steps::policy(self.domain, &policy, why));
        self.steps.push(steps::record(self.domain, &id, wait));
        self.id = Some(id);
        Ok(())
    }

    /// `testing` first, and `enforce` if wanted when the reports are good.
    fn introduce(&mut self, wanted: &Draft) -> Result<(), Error> {
        let policy = wanted.write()?;
        let domain = self.domain;
        self.steps.push(steps::mx_tls(&policy));
        self.steps.push(steps::tlsrpt(domain));
        self.steps.push(steps::policy_host(domain));
        let testing = in_testing(wanted);
        self.publish(&testing, becoming(Mode::Testing), Wait::RecordTtl)?;
        self.steps.push(steps::reports());
        if *wanted != testing {
            self.publish(wanted, becoming(wanted.mode), Wait::RecordTtl)?;
        }
        Ok(())
    }
}

/// The policy to try `wanted` with: what is tried is remembered for a day.
fn in_testing(wanted: &Draft) -> Draft {
    let max_age = match wanted.mode {
        Mode::Enforce => wanted.max_age.min(DAY),
        _ => wanted.max_age,
    };
    Draft {
        mode: Mode::Testing,
        max_age,
        mx: wanted.mx.clone(),
    }
}

const fn becoming(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => {
            "From here on mail that cannot be delivered as it says waits at the sender."
        }
        Mode::Testing => "In testing it stops no mail.",
        Mode::None => "It says that the domain leaves MTA-STS.",
    }
}

/// A domain begins, or comes back after mode `none`.
pub(super) fn start(
    domain: &PolicyDomain,
    present: Option<&PolicyId>,
    wanted: &Draft,
    now: UnixTime,
) -> Result<Vec<Step>, Error> {
    let mut course = Course::new(domain, now, present);
    course.introduce(wanted)?;
    Ok(course.steps)
}

/// RFC 8461 §8.3: mode `none` with a small `max_age`, a new id, and both are served until the
/// longest earlier `max_age` is over.
pub(super) fn remove(
    domain: &PolicyDomain,
    present: &Present<'_>,
    now: UnixTime,
) -> Result<Vec<Step>, Error> {
    let mut course = Course::new(domain, now, Some(present.id));
    let longest = present
        .longest_max_age
        .max(present.policy.max_age())
        .max(DAY);
    if present.policy.mode() == Mode::None {
        course.steps.push(steps::keep(longest));
    } else {
        let none = Draft {
            mode: Mode::None,
            max_age: DAY,
            mx: Vec::new(),
        };
        course.publish(&none, becoming(Mode::None), Wait::MaxAge(longest))?;
    }
    course.steps.push(steps::retire(domain));
    Ok(course.steps)
}

/// From one policy that is applied to another: what allows more comes first, what allows less last,
/// and the MX records change between.
pub(super) fn change(
    domain: &PolicyDomain,
    present: &Present<'_>,
    wanted: &Draft,
    now: UnixTime,
) -> Result<Vec<Step>, Error> {
    let mut course = Course::new(domain, now, Some(present.id));
    let wanted = Draft::of(wanted.write()?.policy());
    let hosts = Hosts::between(present, &wanted)?;
    let mut current = Draft::of(present.policy);

    let is_relaxed = (current.mode, wanted.mode) == (Mode::Enforce, Mode::Testing);
    if is_relaxed || !hosts.new.is_empty() {
        current = between(&current, &wanted, &hosts);
        course.publish(
            &current,
            why(present.policy.mode(), &current),
            Wait::RecordTtl,
        )?;
    }
    if !hosts.to_name.is_empty() || !hosts.to_drop.is_empty() {
        course
            .steps
            .push(steps::mx_records(&hosts.to_name, &hosts.to_drop));
    }
    if wanted.mode != current.mode {
        course.steps.push(steps::reports());
    }
    if current != wanted {
        course.publish(&wanted, why(current.mode, &wanted), Wait::RecordTtl)?;
    }
    Ok(course.steps)
}

/// The policy for while the MX records change: with old and new hosts, in the weaker mode.
fn between(current: &Draft, wanted: &Draft, hosts: &Hosts) -> Draft {
    let mode = match wanted.mode {
        Mode::Testing => Mode::Testing,
        _ => current.mode,
    };
    let max_age = if mode == wanted.mode {
        wanted.max_age
    } else {
        current.max_age
    };
    let mx = [&wanted.mx[..], &hosts.old].concat();
    Draft { mode, max_age, mx }
}

fn why(before: Mode, policy: &Draft) -> &'static str {
    match before == policy.mode {
        true => "It lists every host that DNS may name from now on, as long as that lasts.",
        false => becoming(policy.mode),
    }
}

/// How the MX hosts of two policies differ. Patterns and hosts that a wildcard covers do not.
struct Hosts {
    /// Patterns of the wanted policy that the present one does not cover.
    new: Vec<String>,
    /// Patterns of the present policy that the wanted one does not cover.
    old: Vec<String>,
    /// Of the new ones, those that DNS names no host of yet.
    to_name: Vec<String>,
    /// What DNS must not name under the wanted policy: hosts where the MX records are known, else
    /// the old patterns.
    to_drop: Vec<String>,
}

impl Hosts {
    fn between(present: &Present<'_>, wanted: &Draft) -> Result<Self, Error> {
        let wanted = wanted.write()?;
        let new = uncovered(wanted.policy(), present.policy);
        let old = uncovered(present.policy, wanted.policy());
        let Some(named) = present.mx_hosts else {
            let (to_name, to_drop) = (new.clone(), old.clone());
            return Ok(Self {
                new,
                old,
                to_name,
                to_drop,
            });
        };
        let is_named = |pattern: &String| {
            let patterns = wanted.policy().mx().filter(|mx| mx.as_str() == pattern);
            patterns
                .into_iter()
                .any(|mx| named.iter().any(|host| mx.matches(host)))
        };
        let to_name = new
            .iter()
            .filter(|&pattern| !is_named(pattern))
            .cloned()
            .collect();
        let names = named.iter().map(|host| host.trim_end_matches('.'));
        let left = names.filter(|host| !wanted.policy().matches(host));
        let to_drop = left.map(str::to_ascii_lowercase).collect();
        Ok(Self {
            new,
            old,
            to_name,
            to_drop,
        })
    }
}

/// The patterns of `policy` that are neither in `other` nor matched by a wildcard of it.
fn uncovered(policy: &Policy, other: &Policy) -> Vec<String> {
    let is_in = |pattern: &str| other.mx().any(|mx| mx.as_str() == pattern);
    let patterns = policy.mx().map(|mx| mx.as_str());
    let left = patterns.filter(|pattern| !is_in(pattern) && !other.matches(pattern));
    left.map(String::from).collect()
}
