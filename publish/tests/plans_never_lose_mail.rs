// SPDX-License-Identifier: MIT OR Apache-2.0

//! The order of a plan (R-PUB-1, RFC 8461 §8): at every moment a sender that remembers any policy
//! that it may still remember delivers to every host that DNS may name.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

use mtasts_publish::*;
use proptest::prelude::*;

const NOW: UnixTime = UnixTime(1_767_225_600);

fn draft(mode: Mode, max_age: u32, mx: &[&str]) -> Draft {
    let mx = mx.iter().map(|&mx| mx.to_owned()).collect();
    Draft { mode, max_age, mx }
}

fn domain() -> PolicyDomain {
    "example.com".parse().unwrap()
}

/// The plan from `from` with the id 20260101000000Z to `to`.
fn plan(from: &Draft, to: &Draft, longest: u32, mx_hosts: Option<&[String]>) -> Plan {
    let policy = from.write().unwrap();
    let present = Present {
        policy: policy.policy(),
        id: &id_at(NOW),
        longest_max_age: longest,
        mx_hosts,
    };
    Plan::next(&domain(), &present, to, NOW).unwrap()
}

/// The steps in words: a policy as `mode max_age mx,mx`, a record as its id's last digits.
fn words(plan: &Plan) -> Vec<String> {
    let step = |step: &Step| match (&step.policy, &step.id) {
        (Some(written), _) => {
            let policy = written.policy();
            let mx: Vec<_> = policy.mx().map(|mx| mx.as_str()).collect();
            format!("{} {} {}", policy.mode(), policy.max_age(), mx.join(","))
        }
        (None, Some(id)) => format!("record {}", &id.as_str()[12..]),
        _ => step.kind.as_str().to_owned(),
    };
    plan.steps.iter().map(step).collect()
}

#[test]
fn a_domain_begins_in_testing_and_with_the_policy_before_the_record() {
    let wanted = draft(Mode::Enforce, 1_209_600, &["mx.example.com"]);
    let plan = Plan::start(&domain(), &wanted, NOW).unwrap();
    assert_eq!(
        words(&plan),
        [
            "mx-tls",
            "tlsrpt",
            "policy-host",
            "testing 86400 mx.example.com",
            "record 00Z",
            "reports",
            "enforce 1209600 mx.example.com",
            "record 01Z"
        ]
    );
    assert_eq!(plan.steps[4].wait, Some(Wait::RecordTtl));
    assert_eq!(plan.steps[5].wait, Some(Wait::Reports));
    let testing = draft(Mode::Testing, 604_800, &["mx.example.com"]);
    let plan = Plan::start(&domain(), &testing, NOW).unwrap();
    assert_eq!(
        words(&plan)[3..],
        ["testing 604800 mx.example.com", "record 00Z", "reports"]
    );
    let none = draft(Mode::None, 86_400, &[]);
    assert_eq!(Plan::start(&domain(), &none, NOW).unwrap().steps, []);
}

#[test]
fn a_domain_that_had_left_begins_again_with_a_new_id() {
    let plan = plan(
        &draft(Mode::None, 86_400, &[]),
        &draft(Mode::Enforce, 604_800, &["a.example"]),
        0,
        None,
    );
    assert_eq!(
        words(&plan)[3..5],
        ["testing 86400 a.example", "record 01Z"]
    );
}

#[test]
fn testing_becomes_enforce_when_reports_are_good() {
    let from = draft(Mode::Testing, 86_400, &["a.example"]);
    let to = draft(Mode::Enforce, 604_800, &["a.example"]);
    assert_eq!(
        words(&plan(&from, &to, 0, None)),
        ["reports", "enforce 604800 a.example", "record 01Z"]
    );
}

#[test]
fn a_new_mx_is_listed_before_dns_names_it() {
    let from = draft(Mode::Enforce, 604_800, &["a.example"]);
    let to = draft(Mode::Enforce, 604_800, &["a.example", "b.example"]);
    let steps = plan(&from, &to, 0, None);
    assert_eq!(
        words(&steps),
        [
            "enforce 604800 a.example,b.example",
            "record 01Z",
            "mx-records"
        ]
    );
    assert!(
        steps.steps[2].detail.contains("b.example") && !steps.steps[2].detail.contains("a.example")
    );
    // DNS names it already: then the policy is late, and DNS has nothing to change.
    let hosts = ["a.example".to_owned(), "b.example".to_owned()];
    let steps = plan(&from, &to, 0, Some(&hosts));
    assert_eq!(
        words(&steps),
        ["enforce 604800 a.example,b.example", "record 01Z"]
    );
}

#[test]
fn an_mx_leaves_dns_before_it_leaves_the_policy() {
    let from = draft(Mode::Enforce, 604_800, &["a.example", "b.example"]);
    let to = draft(Mode::Enforce, 604_800, &["a.example"]);
    let steps = plan(&from, &to, 0, None);
    assert_eq!(
        words(&steps),
        ["mx-records", "enforce 604800 a.example", "record 01Z"]
    );
    assert_eq!(steps.steps[0].wait, Some(Wait::MxTtl));
    // It has left DNS.
    let hosts = ["a.example".to_owned()];
    assert_eq!(
        words(&plan(&from, &to, 0, Some(&hosts))),
        ["enforce 604800 a.example", "record 01Z"]
    );
}

#[test]
fn an_mx_is_replaced_in_three_steps() {
    let from = draft(Mode::Enforce, 604_800, &["a.example"]);
    let to = draft(Mode::Enforce, 604_800, &["b.example"]);
    assert_eq!(
        words(&plan(&from, &to, 0, None)),
        [
            "enforce 604800 b.example,a.example",
            "record 01Z",
            "mx-records",
            "enforce 604800 b.example",
            "record 02Z"
        ]
    );
}

#[test]
fn what_a_wildcard_covers_is_no_change_of_hosts() {
    let from = draft(Mode::Enforce, 604_800, &["*.a.example"]);
    let to = draft(Mode::Enforce, 604_800, &["*.a.example", "mx.a.example"]);
    assert_eq!(
        words(&plan(&from, &to, 0, None)),
        ["enforce 604800 *.a.example,mx.a.example", "record 01Z"]
    );
}

#[test]
fn enforce_is_relaxed_at_once_and_tightened_last() {
    let from = draft(Mode::Enforce, 604_800, &["a.example"]);
    let to = draft(Mode::Testing, 86_400, &["b.example"]);
    assert_eq!(
        words(&plan(&from, &to, 0, None)),
        [
            "testing 86400 b.example,a.example",
            "record 01Z",
            "mx-records",
            "testing 86400 b.example",
            "record 02Z"
        ]
    );
    let from = draft(Mode::Testing, 86_400, &["a.example"]);
    let to = draft(Mode::Enforce, 604_800, &["b.example"]);
    assert_eq!(
        words(&plan(&from, &to, 0, None)),
        [
            "testing 86400 b.example,a.example",
            "record 01Z",
            "mx-records",
            "reports",
            "enforce 604800 b.example",
            "record 02Z"
        ]
    );
}

#[test]
fn nothing_to_do_is_no_step() {
    let same = draft(Mode::Enforce, 604_800, &["a.example"]);
    assert_eq!(plan(&same, &same, 0, None).steps, []);
    // But for a host that the policy refuses.
    let hosts = ["X.example.".to_owned()];
    let steps = plan(&same, &same, 0, Some(&hosts));
    assert_eq!(words(&steps), ["mx-records"]);
    assert!(steps.steps[0].detail.contains("name x.example any more"));
}

#[test]
fn the_end_is_served_until_the_longest_earlier_max_age_is_over() {
    let from = draft(Mode::Enforce, 604_800, &["a.example"]);
    let none = draft(Mode::None, 0, &[]);
    let steps = plan(&from, &none, 2_592_000, None);
    assert_eq!(words(&steps), ["none 86400 ", "record 01Z", "retire"]);
    assert_eq!(steps.steps[0].section, "RFC 8461 §8.3");
    assert_eq!(steps.steps[1].wait, Some(Wait::MaxAge(2_592_000)));
    assert!(steps.steps[1].wait.unwrap().describe().contains("30 days"));
    assert_eq!(
        plan(&from, &none, 0, None).steps[1].wait,
        Some(Wait::MaxAge(604_800))
    );
    // And a policy of mode none that is served already is kept so long.
    let steps = plan(&draft(Mode::None, 3600, &[]), &none, 604_800, None);
    assert_eq!(words(&steps), ["keep", "retire"]);
    assert_eq!(steps.steps[0].wait, Some(Wait::MaxAge(604_800)));
}

#[test]
fn a_policy_that_cannot_be_written_gives_no_plan() {
    let wrong = draft(Mode::Enforce, 604_800, &["a_b.example"]);
    assert_eq!(
        Plan::start(&domain(), &wrong, NOW).unwrap_err().field(),
        Field::Mx(0)
    );
}

fn mode() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![Mode::Enforce, Mode::Testing])
}

fn patterns() -> impl Strategy<Value = Vec<String>> {
    let names = vec![
        "a.example",
        "b.example",
        "c.example",
        "x.a.example",
        "*.a.example",
        "*.example",
    ];
    let patterns = prop::sample::subsequence(names, 1..=4).prop_shuffle();
    patterns.prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

/// Hosts of which each is named by DNS while its pattern is.
const HOSTS: &[&str] = &[
    "a.example",
    "b.example",
    "c.example",
    "x.a.example",
    "y.a.example",
];

fn named_by(policy: &Policy) -> Vec<&'static str> {
    HOSTS
        .iter()
        .copied()
        .filter(|host| policy.matches(host))
        .collect()
}

proptest! {
    /// R-PUB-1: an enforced policy lists every host that DNS names while it may be remembered; the
    /// policy comes before its record, and a policy that enforces after one that tested is last.
    #[test]
    fn every_enforced_policy_lists_what_dns_names(
        from in (mode(), patterns()), to in (mode(), patterns()),
    ) {
        let from = Draft { mode: from.0, max_age: 604_800, mx: from.1 };
        let to = Draft { mode: to.0, max_age: 604_800, mx: to.1 };
        let (first, last) = (from.write().unwrap(), to.write().unwrap());
        let plan = plan(&from, &to, 0, None);

        // Before its step DNS names what the first policy lists, after it what the last one does;
        // while it waits, both.
        let mut current = first.policy().clone();
        let mut named = named_by(first.policy());
        let mut ids = vec![id_at(NOW)];
        for (index, step) in plan.steps.iter().enumerate() {
            match (&step.policy, &step.id) {
                (Some(policy), _) => {
                    prop_assert_eq!(plan.steps[index + 1].kind, Kind::Record);
                    current = policy.policy().clone();
                }
                (_, Some(id)) => {
                    prop_assert_eq!(plan.steps[index - 1].kind, Kind::Policy);
                    prop_assert!(!ids.contains(id));
                    ids.push(id.clone());
                }
                _ if step.kind == Kind::MxRecords => {
                    for host in named_by(last.policy()) {
                        prop_assert!(current.mode() != Mode::Enforce || current.matches(host));
                    }
                    named = named_by(last.policy());
                }
                _ => {}
            }
            for host in &named {
                prop_assert!(current.mode() != Mode::Enforce || current.matches(host), "{}", host);
            }
        }
        prop_assert_eq!(current.text(), last.text());
        let enforced = |step: &&Step| step.policy.as_ref().is_some_and(|p| p.policy().mode() == Mode::Enforce);
        if from.mode == Mode::Testing {
            prop_assert!(plan.steps.iter().filter(enforced).count() <= 1);
        }
    }
}
