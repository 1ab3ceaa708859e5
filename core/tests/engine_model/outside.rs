// SPDX-License-Identifier: MIT OR Apache-2.0

//! What an engine meets: DNS, Policy Hosts, the clock and its host, which do anything.

use mtasts::{FetchFailure, HttpsReply, TxtAnswer, TxtFailure};
use proptest::prelude::*;
use proptest::sample::select;
use proptest_state_machine::ReferenceStateMachine;
use std::collections::BTreeMap;

pub const NAMES: &[&str] = &["a.example", "b.example", "c.example", "d.example"];
const START: u64 = 1_767_225_600;

/// What a domain's DNS says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dns {
    Record(String, u32),
    Two(u32),
    Nothing(u32),
    Temporary,
    Permanent,
}

/// What its Policy Host says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Web {
    Policy {
        mode: &'static str,
        mx: u8,
        max_age: u32,
    },
    Nonsense,
    Missing,
    Dead,
}

impl Dns {
    pub fn answer(&self) -> Result<TxtAnswer, TxtFailure> {
        let records = |count, id: &str, ttl: u32| {
            let record = format!("v=STSv1; id={id};").into_bytes();
            Ok(TxtAnswer {
                records: vec![record; count],
                ttl: Some(ttl),
            })
        };
        match self {
            Self::Record(id, ttl) => records(1, id, *ttl),
            Self::Two(ttl) => records(2, "two", *ttl),
            Self::Nothing(ttl) => Err(TxtFailure::NoRecords { ttl: Some(*ttl) }),
            Self::Temporary => Err(TxtFailure::Temporary),
            Self::Permanent => Err(TxtFailure::Permanent),
        }
    }
}

impl Web {
    pub fn answer(&self) -> Result<HttpsReply, FetchFailure> {
        let reply = |status, body: String| {
            let content_type = Some("text/plain".to_owned());
            Ok(HttpsReply {
                status,
                content_type,
                body: body.into_bytes(),
            })
        };
        match self {
            Self::Policy { .. } => reply(200, self.text()),
            Self::Nonsense => reply(200, "nonsense\n".into()),
            Self::Missing => reply(404, String::new()),
            Self::Dead => Err(FetchFailure::Connect),
        }
    }

    pub fn text(&self) -> String {
        match self {
            Self::Policy { mode, mx, max_age } => {
                format!("version: STSv1\nmode: {mode}\nmx: mx{mx}.example\nmax_age: {max_age}\n")
            }
            _ => String::new(),
        }
    }
}

#[derive(Clone, Debug)]
pub enum Turn {
    Ask(&'static str),
    Again(&'static str),
    Refresh(&'static str),
    /// The operator purges a domain, and maybe the store too.
    Forget(&'static str, bool),
    Poll,
    Answer(usize),
    /// An answer that nobody wants: to a question that was answered, or to none.
    Stale(usize),
    Publish(&'static str, Dns, Web),
    StoreFails(bool),
    /// Time goes by while the host does something else.
    Wait(u64),
    /// Time goes by; the host comes back when the engine said, and answers all at once.
    Sleep(u64),
    Back(u64),
    /// The process ends; the next one reads the whole store, or as it is asked.
    Restart(bool),
}

/// The network and the clock.
#[derive(Clone, Debug)]
pub struct Outside {
    pub now: u64,
    pub sites: BTreeMap<&'static str, (Dns, Web)>,
    pub store_fails: bool,
    /// Whether it is ever set back.
    pub is_clock_wrong: bool,
}

fn dns() -> impl Strategy<Value = Dns> {
    let ttl = select(vec![0, 5, 300, 7_200, 86_400, 604_800]);
    prop_oneof![
        8 => (select(vec!["1", "2", "3"]), ttl.clone())
            .prop_map(|(id, ttl)| Dns::Record(id.into(), ttl)),
        1 => ttl.clone().prop_map(Dns::Two),
        2 => ttl.prop_map(Dns::Nothing),
        1 => Just(Dns::Temporary),
        1 => Just(Dns::Permanent),
    ]
}

fn web() -> impl Strategy<Value = Web> {
    let max_age = select(vec![
        0, 300, 900, 7_200, 86_400, 604_800, 604_800, 31_557_600,
    ]);
    let mode = select(vec!["enforce", "testing", "none"]);
    prop_oneof![
        8 => (mode, 0..3u8, max_age)
            .prop_map(|(mode, mx, max_age)| Web::Policy { mode, mx, max_age }),
        1 => Just(Web::Nonsense),
        1 => Just(Web::Missing),
        2 => Just(Web::Dead),
    ]
}

impl ReferenceStateMachine for Outside {
    type State = Self;
    type Transition = Turn;

    fn init_state() -> BoxedStrategy<Self> {
        let sites = proptest::collection::vec((dns(), web()), NAMES.len());
        (sites, any::<bool>())
            .prop_map(|(sites, is_clock_wrong)| Self {
                now: START,
                sites: NAMES.iter().copied().zip(sites).collect(),
                store_fails: false,
                is_clock_wrong,
            })
            .boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Turn> {
        let name = || select(NAMES);
        let short = select(vec![1, 4, 60, 119, 121, 299, 300, 301, 900]);
        let long = select(vec![
            1, 300, 3_600, 43_200, 86_400, 200_000, 604_801, 3_000_000,
        ]);
        prop_oneof![
            12 => name().prop_map(Turn::Ask),
            3 => name().prop_map(Turn::Again),
            2 => name().prop_map(Turn::Refresh),
            1 => (name(), any::<bool>()).prop_map(|(name, all)| Turn::Forget(name, all)),
            8 => Just(Turn::Poll),
            12 => any::<usize>().prop_map(Turn::Answer),
            2 => any::<usize>().prop_map(Turn::Stale),
            4 => (name(), dns(), web()).prop_map(|(name, dns, web)| Turn::Publish(name, dns, web)),
            1 => any::<bool>().prop_map(Turn::StoreFails),
            4 => short.prop_map(Turn::Wait),
            4 => long.clone().prop_map(Turn::Sleep),
            1 => long.prop_map(Turn::Back),
            1 => any::<bool>().prop_map(Turn::Restart),
        ]
        .boxed()
    }

    fn preconditions(outside: &Self, turn: &Turn) -> bool {
        outside.is_clock_wrong || !matches!(turn, Turn::Back(_))
    }

    fn apply(mut outside: Self, turn: &Turn) -> Self {
        match turn {
            Turn::Publish(name, dns, web) => {
                outside.sites.insert(name, (dns.clone(), web.clone()));
            }
            Turn::StoreFails(fails) => outside.store_fails = *fails,
            Turn::Wait(seconds) | Turn::Sleep(seconds) => outside.now += seconds,
            Turn::Back(seconds) => outside.now -= seconds,
            _ => {}
        }
        outside
    }
}
