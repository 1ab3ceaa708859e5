// SPDX-License-Identifier: MIT OR Apache-2.0

//! Scale (`make scale`): what an engine does with ten million domains, by simulation on a virtual
//! clock; docs/scale.md says what is simulated and what came of it. `--domains 10000` is the same,
//! small, in seconds. Exit status 1: mail was unprotected that a known policy protects, or a bound
//! did not hold.

mod counts;
mod population;
mod sim;

use clap::{Parser, ValueEnum};
use counts::What;
use mtasts::UnixTime;
use mtasts::engine::{Engine, Settings};
use mtasts_benches::Outcome;
use population::{Population, START};
use sim::{Plan, Sim};
use std::ops::Range;
use std::time::Instant;

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

#[derive(Parser)]
#[command(about = "What an engine does with very many domains")]
struct Options {
    /// The domains that mail goes to
    #[arg(long, default_value_t = 10_000_000)]
    domains: u32,
    /// How long the steady state is watched
    #[arg(long, default_value_t = 30)]
    days: u64,
    /// Mails a second, on the mean; if not given, for each million domains 1 in the steady state and
    /// 6 where something goes wrong
    #[arg(long)]
    rate: Option<f64>,
    /// Per cent of the domains that have a policy, in the steady state
    #[arg(long, default_value_t = 10.0)]
    policies: f64,
    /// The most refreshes at a time
    #[arg(long, default_value_t = Settings::default().max_refreshes)]
    max_refreshes: usize,
    /// The most fetches at a time from one address; 0: as many as come
    #[arg(long, default_value_t = 16)]
    per_address: usize,
    /// The senders of the fleet
    #[arg(long, default_value_t = 50)]
    senders: usize,
    /// What to simulate; all of it if not given
    #[arg(long, value_enum)]
    only: Vec<Scenario>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// A month of which nothing is to be told
    Month,
    /// A provider changes the policy of all its tenants at once
    Change,
    /// A provider's policy hosts answer nothing for six hours
    Stall,
    /// DNS answers nothing for an hour
    Outage,
    /// Many senders over one store begin with nothing
    Fleet,
    /// Every domain has a policy
    Memory,
}

const ALL: [Scenario; 6] = [
    Scenario::Memory, // first, as it measures what the process takes
    Scenario::Month,
    Scenario::Change,
    Scenario::Stall,
    Scenario::Outage,
    Scenario::Fleet,
];

fn main() -> Outcome<()> {
    let options = Options::parse();
    let wanted = match options.only.is_empty() {
        true => &ALL[..],
        false => &options.only,
    };
    for scenario in wanted {
        let begun = Instant::now();
        match scenario {
            Scenario::Month => month(&options)?,
            Scenario::Change => change(&options)?,
            Scenario::Stall => stall(&options)?,
            Scenario::Outage => outage(&options)?,
            Scenario::Fleet => fleet(&options)?,
            Scenario::Memory => memory(&options)?,
        }
        println!("  the run took {:.0} s\n", begun.elapsed().as_secs_f64());
    }
    Ok(())
}

const QUESTIONS: [(&str, What); 4] = [
    ("mail that memory does not answer", What::Look),
    ("TXT queries", What::Txt),
    ("fetches", What::Fetch),
    ("saves", What::Save),
];

impl Options {
    fn rate(&self, of_a_million: f64) -> f64 {
        self.rate
            .unwrap_or(f64::from(self.domains) * of_a_million / 1e6)
    }

    /// The steady state.
    fn population(&self) -> Population {
        Population::new(self.domains, self.policies / 100.0, 0.1, self.rate(1.0))
    }

    /// With a provider that serves half of all policies: of ten million domains a million and a
    /// half.
    fn with_provider(&self) -> Population {
        Population::new(self.domains, 0.3, 0.5, self.rate(6.0))
    }

    fn plan(&self, days: u64) -> Plan {
        Plan {
            seconds: days * DAY,
            senders: 1,
            per_address: self.per_address,
            max_refreshes: self.max_refreshes,
            is_warm: true,
            ..Plan::default()
        }
    }
}

fn run(title: &str, population: Population, plan: Plan) -> Outcome<Sim> {
    println!(
        "{title}: {} domains, {:.0} % with a policy, {:.0} % of these of one provider, {} mails a second",
        population.domains,
        population.policies as f64 / 1e4,
        population.tenants as f64 / 1e4,
        population.rate
    );
    let mut sim = Sim::new(population, plan)?;
    println!("  policies in memory at the start {}", sim.known());
    sim.run();
    let counts = &sim.world.counts;
    println!(
        "  known at the end {}; resident {} MB; expired {}, refreshes failed {}; \
         first contacts without protection {}",
        sim.known(),
        resident()? / 1_000_000,
        counts.expired,
        counts.failed,
        counts.unprotected
    );
    counts.show_waits();
    match counts.wrong {
        0 => Ok(sim),
        wrong => Err(format!("{wrong} answers without the policy that was known").into()),
    }
}

fn month(options: &Options) -> Outcome<()> {
    let sim = run("Steady", options.population(), options.plan(options.days))?;
    let (counts, all) = (&sim.world.counts, 0..options.days * DAY);
    counts.show("of all days", &QUESTIONS, all);
    println!("  a second's mean by three hours of the day, from midnight on");
    for (name, what) in [("TXT queries", What::Txt), ("fetches", What::Fetch)] {
        counts.show_day(name, what, 0, options.days);
    }
    counts.show_queues(0..usize::MAX);
    let due = counts.due.last().copied().unwrap_or_default();
    within(
        "policies due at the end",
        due.into(),
        u64::from(options.domains) / 1_000 + 10,
    )
}

const PROVIDER: [(&str, What); 4] = [
    ("fetches at the provider", What::Provider),
    ("fetches in all", What::Fetch),
    ("put off for want of a turn", What::PutOff),
    ("TXT queries", What::Txt),
];

fn change(options: &Options) -> Outcome<()> {
    let mut plan = options.plan(4);
    plan.change_at = Some(DAY + 10 * HOUR);
    let sim = run(
        "A provider changes its policy on day 2 at 10:00",
        options.with_provider(),
        plan,
    )?;
    let counts = &sim.world.counts;
    let at = DAY + 10 * HOUR;
    let parts: [(&str, Range<u64>); 5] = [
        ("the day before", 0..DAY),
        ("the minute after", at..at + 60),
        ("the hour after", at..at + HOUR),
        ("the day after that", at + HOUR..at + HOUR + DAY),
        ("the next day", at + HOUR + DAY..4 * DAY),
    ];
    for (name, part) in parts {
        counts.show(name, &PROVIDER, part);
    }
    counts.show_queues(0..usize::MAX);
    bounded(&sim, options)
}

fn bounded(sim: &Sim, options: &Options) -> Outcome<()> {
    let most = sim.world.counts.at_provider.iter().max();
    let most = u64::from(most.copied().unwrap_or_default());
    match options.per_address {
        0 => Ok(()),
        bound => within("fetches at a time at the provider", most, bound as u64),
    }
}

fn stall(options: &Options) -> Outcome<()> {
    let bounds = match options.per_address {
        0 => vec![0],
        bound => vec![0, bound],
    };
    for bound in bounds {
        let mut plan = options.plan(1);
        (plan.per_address, plan.provider_down) = (bound, 8 * HOUR..14 * HOUR);
        let title = match bound {
            0 => "A provider stalls from 8:00 to 14:00, without a bound".to_owned(),
            bound => format!("The same, with at most {bound} fetches at a time there"),
        };
        let sim = run(&title, options.with_provider(), plan)?;
        let counts = &sim.world.counts;
        counts.show("before", &PROVIDER, 2 * HOUR..8 * HOUR);
        counts.show("meanwhile", &PROVIDER, 8 * HOUR..14 * HOUR);
        counts.show("after", &PROVIDER, 14 * HOUR..DAY);
        counts.show_queues(480..840);
    }
    Ok(())
}

fn outage(options: &Options) -> Outcome<()> {
    let mut plan = options.plan(1);
    plan.dns_down = 14 * HOUR..15 * HOUR;
    let sim = run(
        "DNS answers nothing from 14:00 to 15:00",
        options.with_provider(),
        plan,
    )?;
    let counts = &sim.world.counts;
    let parts: [(&str, Range<u64>); 5] = [
        ("the hour before", 13 * HOUR..14 * HOUR),
        ("meanwhile", 14 * HOUR..15 * HOUR),
        ("the minute after", 15 * HOUR..15 * HOUR + 60),
        ("the hour after", 15 * HOUR..16 * HOUR),
        ("the hours after that", 16 * HOUR..20 * HOUR),
    ];
    for (name, part) in parts {
        counts.show(name, &QUESTIONS, part);
    }
    counts.show_queues(840..1_200);
    Ok(())
}

fn fleet(options: &Options) -> Outcome<()> {
    let domains = options.domains.div_ceil(10);
    let rate = options
        .rate
        .unwrap_or((f64::from(domains) * 1e-3).max(500.0));
    let mut duplicates = Vec::new();
    for leases in [false, true] {
        let population = Population::new(domains, 0.2, 0.5, rate);
        let mut plan = options.plan(1);
        plan = Plan {
            seconds: 2 * HOUR,
            senders: options.senders,
            change_at: Some(HOUR / 2),
            is_warm: false,
            leases,
            ..plan
        };
        let how = if leases {
            "with leases"
        } else {
            "without leases"
        };
        let title = format!("{} senders begin with nothing, {how}", options.senders);
        let sim = run(&title, population, plan)?;
        let counts = &sim.world.counts;
        let fetches = counts.total(What::Fetch, 0..2 * HOUR);
        let twice = duplicate(&sim);
        println!("  fetches {fetches}, of which another sender had made {twice}");
        println!(
            "  in the store: loads {}, saves {}, leases asked for {}",
            counts.total(What::Load, 0..2 * HOUR),
            counts.total(What::Save, 0..2 * HOUR),
            counts.total(What::Lease, 0..2 * HOUR)
        );
        counts.show("the first minute", &PROVIDER, 0..60);
        counts.show("the half hour", &PROVIDER, 0..HOUR / 2);
        // The provider has changed its policy after half an hour, and its TTL is an hour.
        counts.show("the rest, with a change", &PROVIDER, HOUR / 2..2 * HOUR);
        duplicates.push(twice);
    }
    within(
        "fetches twice with leases",
        duplicates[1],
        duplicates[0] / 20 + 1,
    )
}

/// The fetches beyond one of each policy that there was: two, for the tenants.
fn duplicate(sim: &Sim) -> u64 {
    let population = &sim.world.population;
    let beyond = |(domain, count): (&u32, &u32)| {
        let policies = if population.is_tenant(*domain) { 2 } else { 1 };
        let is_short = population.max_age(*domain) <= 7_200; // it ends meanwhile
        u64::from(count.saturating_sub(policies)) * u64::from(!is_short)
    };
    sim.world.fetches.iter().map(beyond).sum()
}

fn memory(options: &Options) -> Outcome<()> {
    let domains = options.domains;
    println!("Memory: {domains} domains, each with a policy");
    let population = Population::new(domains, 1.0, 0.0, 1.0);
    let mut settings = Settings::default();
    settings.max_policies = usize::MAX;
    let mut engine = Engine::new(settings, *b"sixteen secret..");
    let (before, now) = (resident()?, UnixTime(START));
    for domain in 0..domains {
        let stored = population.stored(domain, START, START + HOUR)?;
        engine.insert(stored, now, now);
    }
    let octets = resident()?.saturating_sub(before);
    let each = octets / u64::from(domains.max(1));
    println!(
        "  resident {} MB, {each} octets a domain",
        octets / 1_000_000
    );
    Ok(())
}

fn within(what: &str, is: u64, most: u64) -> Outcome<()> {
    match is <= most {
        true => Ok(()),
        false => Err(format!("{what}: {is}, not {most} at most").into()),
    }
}

/// This process's memory that is of no file, in octets.
fn resident() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("no RssAnon")?.parse::<u64>()? * 1_024)
}
