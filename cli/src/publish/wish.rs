// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the domain's owner wants, with what is not said put in from what is known.

use super::Arguments;
use super::known::Known;
use mtasts::policy::MAX_MAX_AGE;
use mtasts::{Mode, Policy};
use mtasts_publish::{Address, Draft, Error, Field, Server};

/// What is wanted at the end.
pub struct Wish {
    /// The policy.
    pub draft: Draft,
    /// Where reports go.
    pub rua: Vec<String>,
    /// The web server to configure.
    pub server: Option<Server>,
    /// Where it is.
    pub address: Address,
    /// On the way out of MTA-STS: the longest max_age that was ever published.
    pub longest_max_age: Option<u32>,
}

/// The names that `--server` takes.
pub const SERVERS: [&str; 4] = ["nginx", "caddy", "apache", "envoy"];

const DAY: u32 = 86_400;
/// RFC 8461 §3.2 asks for weeks.
const FOUR_WEEKS: u32 = 28 * DAY;

impl Wish {
    /// What the arguments say, completed.
    pub fn of(arguments: &Arguments, known: &Known) -> Self {
        let draft = match arguments.remove {
            true => removal(),
            false => draft(arguments, known),
        };
        Self {
            draft,
            rua: match arguments.rua.is_empty() {
                true => known.rua.clone(),
                false => arguments.rua.clone(),
            },
            server: arguments.server,
            address: arguments.address.clone().unwrap_or_default(),
            longest_max_age: arguments.longest_max_age,
        }
    }

    /// The longest max_age that senders may remember. A policy of mode none does not tell that of the
    /// one before it, so that it may have been the greatest there is.
    pub fn longest(&self, known: &Known) -> u32 {
        match self.longest_max_age {
            Some(seconds) => seconds,
            None if leaves(known) => MAX_MAX_AGE,
            None => 0,
        }
    }

    /// What whoever leaves MTA-STS has to keep in mind between the steps.
    pub fn removal_note(&self, known: &Known) -> Option<String> {
        let (policy, _) = known.present.as_ref()?;
        match (self.draft.mode, self.longest_max_age) {
            (Mode::None, None) if leaves(known) => Some(
                "How long senders remember the policy before this one cannot be seen any more, and the \
                 longest that there is is taken: --longest-max-age says it better."
                    .into(),
            ),
            (Mode::None, None) => Some(format!(
                "For the step after this one: --longest-max-age {}",
                policy.max_age()
            )),
            _ => None,
        }
    }
}

/// Whether the domain has begun to leave MTA-STS.
fn leaves(known: &Known) -> bool {
    let present = known.present.as_ref();
    present.is_some_and(|(policy, _)| policy.mode() == Mode::None)
}

fn removal() -> Draft {
    Draft {
        mode: Mode::None,
        max_age: DAY,
        mx: Vec::new(),
    }
}

fn draft(arguments: &Arguments, known: &Known) -> Draft {
    let mode = arguments.mode.unwrap_or(Mode::Enforce);
    let present = known.present.as_ref().map(|(policy, _)| policy);
    let of_present = present
        .filter(|policy| policy.mode() == mode)
        .map(Policy::max_age);
    let usual = match mode {
        Mode::Enforce => FOUR_WEEKS,
        _ => DAY,
    };
    Draft {
        mode,
        max_age: arguments.max_age.or(of_present).unwrap_or(usual),
        mx: match arguments.mx.is_empty() {
            true => hosts(present, known),
            false => arguments.mx.clone(),
        },
    }
}

/// The patterns of the policy; hosts that the DNS names beside them are told of and not taken, as
/// nobody vouches for the DNS. Without a policy there is nothing else to begin with.
fn hosts(present: Option<&Policy>, known: &Known) -> Vec<String> {
    match present.filter(|policy| policy.mode() != Mode::None) {
        Some(policy) => policy.mx().map(|mx| mx.as_str().to_owned()).collect(),
        None => {
            let named = known.mx.iter().flatten();
            named.filter(|host| *host != ".").cloned().collect()
        }
    }
}

/// `4w`, `30d`, or seconds.
pub fn max_age(text: &str) -> Result<u32, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let time = humantime::parse_duration(text)
        .map_err(|_| "expected a time as 4w, 30d, 12h or 604800 (seconds)".to_owned())?;
    u32::try_from(time.as_secs()).map_err(|_| "longer than a year".to_owned())
}

/// The server of a name.
pub fn server(name: &str) -> Result<Server, String> {
    let found = Server::ALL.iter().find(|server| server.as_str() == name);
    found.copied().ok_or_else(|| "no such server".to_owned())
}

/// A refused field in the words of the command line.
pub fn explain(error: &Error, draft: &Draft) -> String {
    match error.field() {
        Field::Mx(index) => {
            let host = draft.mx.get(index).map_or("", String::as_str);
            format!("--mx {host}: {}", error.reason())
        }
        Field::MxList => format!("{}: give them with --mx HOST", error.reason()),
        Field::MaxAge => format!("--max-age: {}", error.reason()),
        _ => error.to_string(),
    }
}
