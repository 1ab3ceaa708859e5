// SPDX-License-Identifier: MIT OR Apache-2.0

//! The questions, on standard error, for what the arguments leave open.

use super::Arguments;
use super::known::Known;
use super::stage::Stage;
use super::wish::{self, SERVERS, Wish};
use dialoguer::{Confirm, Input, Select, theme::ColorfulTheme};
use mtasts::{Mode, PolicyDomain};
use mtasts_publish::{Address, Draft, tlsrpt_record};

/// Asks for all that is not given, with what is known for the answer that Enter gives.
pub fn complete(
    arguments: &Arguments,
    domain: &PolicyDomain,
    known: &Known,
    wish: &mut Wish,
) -> Result<(), String> {
    let is_new = known.present.is_none();
    if arguments.mx.is_empty() {
        wish.draft.mx = mx(&wish.draft)?;
    }
    if arguments.mode.is_none() && is_new {
        wish.draft.mode = mode()?;
    }
    if arguments.max_age.is_none() && wish.draft.mode == Mode::Enforce && is_new {
        wish.draft.max_age = max_age()?;
    }
    if arguments.rua.is_empty() && known.rua.is_empty() {
        wish.rua = rua(domain)?;
    }
    if arguments.server.is_none() {
        wish.server = server()?;
    }
    if arguments.address.is_none() && is_new {
        wish.address = address(domain)?;
    }
    Ok(())
}

/// Whether what the stage begins with is done.
pub fn is_waited(stage: &Stage<'_>) -> Result<bool, String> {
    let Some(step) = stage.now.first() else {
        return Ok(false);
    };
    let wait = step
        .wait
        .map(|wait| wait.describe() + "\n")
        .unwrap_or_default();
    eprint!("{}. {}\n{wait}", step.title, step.detail);
    Confirm::with_theme(&ColorfulTheme::default())
        .with_prompt("Is that over?")
        .default(false)
        .interact()
        .map_err(failed)
}

fn failed(error: dialoguer::Error) -> String {
    format!("no answer: {error}; --yes asks nothing")
}

fn text(
    prompt: &str,
    default: String,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<String, String> {
    Input::with_theme(&ColorfulTheme::default())
        .with_prompt(prompt)
        .default(default)
        .allow_empty(true)
        .validate_with(|text: &String| check(text))
        .interact_text()
        .map_err(failed)
}

fn words(text: &str) -> Vec<String> {
    let parts = text.split([' ', ',']).filter(|word| !word.is_empty());
    parts.map(str::to_owned).collect()
}

fn mx(draft: &Draft) -> Result<Vec<String>, String> {
    let check = |text: &str| {
        let draft = Draft {
            mx: words(text),
            ..draft.clone()
        };
        let written = draft.write().map(drop);
        written.map_err(|error| wish::explain(&error, &draft))
    };
    text("MX hosts", draft.mx.join(" "), check).map(|text| words(&text))
}

fn mode() -> Result<Mode, String> {
    let chosen = Select::with_theme(&ColorfulTheme::default())
        .with_prompt("Where is it to lead?")
        .items(["enforce, after two weeks in testing", "testing, for now"])
        .default(0)
        .interact()
        .map_err(failed)?;
    Ok(match chosen {
        0 => Mode::Enforce,
        _ => Mode::Testing,
    })
}

fn max_age() -> Result<u32, String> {
    let check = |text: &str| wish::max_age(text).map(drop);
    let answer = text(
        "How long senders remember it, once enforced",
        "4w".into(),
        check,
    )?;
    wish::max_age(&answer)
}

fn rua(domain: &PolicyDomain) -> Result<Vec<String>, String> {
    let check = |text: &str| match words(text) {
        none if none.is_empty() => Ok(()),
        rua => tlsrpt_record(&rua)
            .map(drop)
            .map_err(|error| error.to_string()),
    };
    let default = format!("tls-reports@{domain}");
    text("Where TLS reports go", default, check).map(|text| words(&text))
}

fn server() -> Result<Option<mtasts_publish::Server>, String> {
    let names: Vec<_> = SERVERS.into_iter().chain(["none of these"]).collect();
    let chosen = Select::with_theme(&ColorfulTheme::default())
        .with_prompt("Web server")
        .items(&names)
        .default(0)
        .interact()
        .map_err(failed)?;
    SERVERS
        .get(chosen)
        .map(|name| wish::server(name))
        .transpose()
}

fn address(domain: &PolicyDomain) -> Result<Address, String> {
    let prompt = format!("Addresses of mta-sts.{domain}, or the name it is an alias of");
    let check = |text: &str| {
        let read = Address::read(text).map(drop);
        read.map_err(|error| error.to_string())
    };
    let answer = text(&prompt, String::new(), check)?;
    Address::read(&answer).map_err(|error| error.to_string())
}
