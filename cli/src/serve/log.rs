// SPDX-License-Identifier: MIT OR Apache-2.0

//! The log: to the journal with its fields where that is there, else lines on standard error.

use super::config::{self, Format};
use mtasts_host::{Level, Log};
use std::io;
use std::os::unix::fs::MetadataExt;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt};

/// Changes the level while the server runs.
pub struct Control(Handle<LevelFilter, Registry>);

/// Begins to log, once in a process.
pub fn begin(config: &config::Log) -> Result<Control, String> {
    let (level, control) = reload::Layer::new(LevelFilter::from_level(config.level));
    let text = || {
        let lines = fmt::layer().with_writer(io::stderr);
        lines.with_target(false).with_ansi(false)
    };
    let lines: Box<dyn Layer<_> + Send + Sync> = match config.format {
        Format::Json => Box::new(fmt::layer().json().with_writer(io::stderr)),
        Format::Journal => Box::new(journal()?),
        Format::Text => Box::new(text()),
        Format::Auto => match is_in_journal().then(journal) {
            Some(Ok(journal)) => Box::new(journal),
            _ => Box::new(text()), // its socket may be out of reach, in a chroot for instance
        },
    };
    let subscriber = tracing_subscriber::registry().with(level).with(lines);
    subscriber
        .try_init()
        .map_err(|error| format!("log: {error}"))?;
    Ok(Control(control))
}

impl Control {
    pub fn set_level(&self, level: tracing::Level) {
        let _ = self.0.reload(LevelFilter::from_level(level)); // the log is there to the end
    }
}

/// What the default host has to say.
pub fn of_host() -> Log {
    Log::new(|level, message| match level {
        Level::Error => tracing::error!("{message}"),
        Level::Warning => tracing::warn!("{message}"),
        Level::Info => tracing::info!("{message}"),
    })
}

fn journal() -> Result<tracing_journald::Layer, String> {
    let layer = tracing_journald::layer().map_err(|error| format!("journal: {error}"))?;
    Ok(layer.with_field_prefix(Some("MTASTS".to_owned())))
}

/// Whether standard error is the journal's socket (systemd.exec(5), `$JOURNAL_STREAM`).
fn is_in_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    let there = std::fs::metadata("/dev/stderr");
    there.is_ok_and(|found| stream == format!("{}:{}", found.dev(), found.ino()))
}
