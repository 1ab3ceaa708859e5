// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program `lab`: runs a scene, or talks to a lab that runs.

use std::{
    env, fs,
    io::{self, Read, Write},
    path::Path,
    process::ExitCode,
    thread,
};

use mtasts_lab::{Error, Ports, block_on, quote, request, run};
use tokio::sync::watch;

const USAGE: &str = "usage: lab run SCENE.toml DIR [--dns-port N] [--https-port N] [--smtp-port N] \
                     [--until-eof]\n       lab ctl DIR WORDS...";

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let done = match words.split_first() {
        Some((word, rest)) if word == "run" => command_run(rest).map(|()| true),
        Some((word, rest)) if word == "ctl" => command_ctl(rest),
        _ => Err(Error::new(USAGE)),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("lab: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What `lab run` is told.
#[derive(Default)]
struct Options {
    places: Vec<String>,
    ports: Ports,
    until_eof: bool,
}

fn options(words: &[String]) -> Result<Options, Error> {
    let mut options = Options::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--until-eof" => options.until_eof = true,
            "--dns-port" => options.ports.dns = port(words.next())?,
            "--https-port" => options.ports.https = port(words.next())?,
            "--smtp-port" => options.ports.smtp = port(words.next())?,
            flag if flag.starts_with("--") => return Err(Error::new(USAGE)),
            place => options.places.push(place.to_owned()),
        }
    }
    Ok(options)
}

fn port(word: Option<&String>) -> Result<u16, Error> {
    word.and_then(|word| word.parse().ok())
        .ok_or_else(|| Error::new(USAGE))
}

fn command_run(words: &[String]) -> Result<(), Error> {
    let options = options(words)?;
    let [scene, dir] = &options.places[..] else {
        return Err(Error::new(USAGE));
    };
    let text = fs::read_to_string(scene).map_err(|error| Error::from(error).within(scene))?;
    let stop = watch::Sender::new(false);
    if options.until_eof {
        stop_at_eof(stop.clone());
    }
    let place = Path::new(dir);
    block_on(run(&text, place, options.ports, stop, |_| ready()))?
}

fn ready() {
    let mut stdout = io::stdout();
    // Whoever started the lab may have stopped listening; the lab goes on.
    _ = stdout.write_all(b"ready\n").and_then(|()| stdout.flush());
}

/// Reads standard input to its end. The thread is left behind when the program ends.
fn stop_at_eof(stop: watch::Sender<bool>) {
    thread::spawn(move || {
        let mut buffer = [0; 256];
        let mut stdin = io::stdin();
        while stdin.read(&mut buffer).is_ok_and(|length| length > 0) {}
        stop.send_replace(true);
    });
}

/// Prints the reply; false if it is an error.
fn command_ctl(words: &[String]) -> Result<bool, Error> {
    let (dir, words) = words.split_first().ok_or_else(|| Error::new(USAGE))?;
    let line: Vec<String> = words.iter().map(|word| quote(word)).collect();
    let reply = request(&Path::new(dir).join("control"), &line.join(" "))
        .map_err(|error| error.within(dir))?;
    println!("{reply}");
    Ok(reply.get("error").is_none())
}
