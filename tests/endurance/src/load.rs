// SPDX-License-Identifier: MIT OR Apache-2.0

//! The load: clients of all kinds ask `mtasts serve` while the [weather](crate::weather) changes;
//! each answer is [judged](crate::model). Then SIGKILL, and a server on the same store with the
//! world gone: every policy is still there.

use crate::Outcome;
use crate::client::{self, Places, Socketmap};
use crate::measure::{self, Sample, sample};
use crate::model::{Domain, Judgement, Kind, Seen, domains, scene};
use crate::random::Random;
use crate::server::{Server, beside};
use crate::weather::Weather;
use mtasts_lab::Lab;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{self, sleep};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[derive(clap::Args)]
pub struct Options {
    /// How long
    #[arg(long, default_value_t = 1_800)]
    seconds: u64,
    /// Questions a second, of all clients together, at most
    #[arg(long, default_value_t = 2_000)]
    rate: u32,
    /// What happens when; printed if it is not given
    #[arg(long)]
    seed: Option<u64>,
    /// The command; default: the one beside this program
    #[arg(long)]
    mtasts: Option<PathBuf>,
}

/// Clients of each kind: socketmap, readsocket, HTTP, and those that misbehave.
const CLIENTS: [usize; 4] = [24, 8, 6, 2];

/// How long another client may take to tell that something was wrong.
const EXCUSES: Duration = Duration::from_secs(2);

/// How long the server may take to let go of what its clients had.
const QUIET: Duration = Duration::from_secs(30);

/// What the clients tell.
#[derive(Default)]
struct Tally {
    answers: AtomicUsize,
    enforced: AtomicUsize,
    /// Answers that would have been others on a faster machine.
    excused: AtomicUsize,
    /// What was wrong.
    wrong: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl Tally {
    fn fail(&self, why: String) {
        eprintln!("endurance: wrong: {why}");
        if let Ok(mut wrong) = self.wrong.lock() {
            wrong.push(why);
        }
    }
}

pub fn run(options: &Options) -> Outcome<()> {
    let program = options
        .mtasts
        .clone()
        .map_or_else(|| beside("mtasts"), Ok)?;
    let seed = options.seed.unwrap_or_else(time);
    println!("load: {} s, seed {seed}", options.seconds);
    let folder = tempfile::tempdir()?;
    let (lab, domains) = (Lab::spawn(scene())?, domains());
    let mut server = Server::start(&program, folder.path(), Some(&lab))?;
    let idle = settled(server.pid(), usize::MAX)?;
    let samples = under_load(options, seed, &lab, &domains, &server)?;
    if !server.is_alive()? {
        return Err("the server has ended".into());
    }
    let after = settled(server.pid(), idle.descriptors)?;
    println!(
        "descriptors before and after: {} and {}",
        idle.descriptors, after.descriptors
    );
    measure::check(&samples, Duration::from_secs(options.seconds))?;
    if after.descriptors > idle.descriptors {
        return Err("descriptors stay behind".into());
    }
    server.kill()?;
    drop(lab); // there is no network any more
    let server = Server::start(&program, folder.path(), None)?;
    check_kept(&server.places, &domains)
}

fn time() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// What the server has when nobody asks, and no more descriptors than that if it is in time.
fn settled(pid: u32, most: usize) -> Outcome<Sample> {
    let begun = Instant::now();
    loop {
        let now = sample(pid)?;
        if now.descriptors <= most || begun.elapsed() > QUIET {
            return Ok(now);
        }
        sleep(Duration::from_millis(50));
    }
}

fn under_load(
    options: &Options,
    seed: u64,
    lab: &Lab,
    domains: &[Domain],
    server: &Server,
) -> Outcome<Vec<Sample>> {
    let (tally, places) = (Tally::default(), &server.places);
    let longest = Duration::from_secs((options.seconds / 12).clamp(1, 40));
    let pause = Duration::from_secs(1) * CLIENTS.iter().sum::<usize>() as u32 / options.rate.max(1);
    let (weather, samples) = thread::scope(|scope| {
        let mut random = Random::new(seed);
        for (kind, count) in CLIENTS.into_iter().enumerate() {
            for _ in 0..count {
                let (random, tally) = (Random::new(random.draw()), &tally);
                scope.spawn(move || ask(kind, places, domains, pause, random, tally));
            }
        }
        let over = &tally.is_over;
        let weather = Weather::default();
        let weather = scope.spawn(move || weather.run(lab, domains, longest, random, over));
        let every = Duration::from_millis(500);
        let samples = scope.spawn(move || measure::watch(server.pid(), every, over));
        wait(options.seconds, &tally);
        over.store(true, Relaxed);
        (weather.join(), samples.join())
    });
    let weather = weather.map_err(|_| "the weather")??;
    println!(
        "{} answers, {} of them with a policy, {} too slow; {} faults, {} outages, {} new versions",
        tally.answers.load(Relaxed),
        tally.enforced.load(Relaxed),
        tally.excused.load(Relaxed),
        weather.faults,
        weather.outages,
        weather.versions
    );
    match tally.wrong.into_inner().map_err(|_| "a client")?.len() {
        0 => samples.map_err(|_| "the samples")?,
        count => Err(format!("{count} wrong answers").into()),
    }
}

/// Until the time is over, or a hundred answers were wrong.
fn wait(seconds: u64, tally: &Tally) {
    let begun = Instant::now();
    let is_hopeless = || tally.wrong.lock().is_ok_and(|wrong| wrong.len() > 100);
    while begun.elapsed() < Duration::from_secs(seconds) && !is_hopeless() {
        sleep(Duration::from_millis(200));
    }
}

/// One client: asks for domains in no order, some more than others.
fn ask(
    kind: usize,
    places: &Places,
    domains: &[Domain],
    pause: Duration,
    mut random: Random,
    tally: &Tally,
) {
    let mut kept = None;
    while !tally.is_over.load(Relaxed) {
        sleep(pause); // the load is given, not as much as may be
        let most = if random.once_in(2) { domains.len() } else { 40 };
        // Each kind of domain is among the first forty.
        let domain = &domains[random.below(most) * 101 % domains.len()];
        let (asked, begun) = (domain.ask(), Instant::now());
        let seen = match kind {
            0 => by_socketmap(&mut kept, places, &domain.name, random.once_in(100)),
            1 => client::readsocket(&places.readsocket, &domain.name),
            2 => client::http(&places.http, &domain.name),
            _ => {
                client::misbehave(places, random.below(4));
                continue;
            }
        };
        tally.answers.fetch_add(1, Relaxed);
        let seen = seen.unwrap_or_else(|error| Seen::Odd(error.to_string()));
        let is_policy = matches!(seen, Seen::Enforced(_));
        tally.enforced.fetch_add(is_policy.into(), Relaxed);
        match domain.judge(&asked, &seen, begun.elapsed()) {
            Judgement::Right => {}
            Judgement::Overdue(why) => {
                sleep(EXCUSES);
                match domain.is_excused(&asked) {
                    true => drop(tally.excused.fetch_add(1, Relaxed)),
                    false => tally.fail(why),
                }
            }
            Judgement::Wrong(why) => tally.fail(why),
        }
    }
}

/// Over a connection that is kept, and now and then made anew.
fn by_socketmap(
    kept: &mut Option<Socketmap>,
    places: &Places,
    domain: &str,
    is_last: bool,
) -> Outcome<Seen> {
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => Socketmap::connect(&places.socketmap)?,
    };
    let seen = connection.ask(domain)?;
    *kept = Some(connection).filter(|_| !is_last);
    Ok(seen)
}

/// Every policy that was given out is there, or a later one. Each answer takes as long as a DNS
/// question that nobody answers.
fn check_kept(places: &Places, domains: &[Domain]) -> Outcome<()> {
    let kept = thread::scope(|scope| {
        let parts = domains.chunks(8);
        let clients: Vec<_> = parts
            .map(|part| scope.spawn(move || count_kept(places, part)))
            .collect();
        let kept = clients.into_iter().map(|client| client.join());
        let kept = kept.map(|kept| kept.unwrap_or_else(|_| Err("a client".into())));
        kept.sum::<Outcome<usize>>()
    })?;
    println!("{kept} policies are there after SIGKILL, without a network");
    match kept >= Kind::Stable.count() / 4 {
        true => Ok(()),
        false => Err("too few policies to say anything".into()),
    }
}

fn count_kept(places: &Places, domains: &[Domain]) -> Outcome<usize> {
    let mut client = Socketmap::connect(&places.socketmap)?;
    let mut kept = 0;
    for domain in domains {
        let Some(versions) = domain.kept() else {
            continue;
        };
        match client.ask(&domain.name)? {
            Seen::Enforced(version) if versions.contains(&version) => kept += 1,
            other => {
                let name = &domain.name;
                return Err(format!("{name}: {other:?} after SIGKILL, not {versions:?}").into());
            }
        }
    }
    Ok(kept)
}
