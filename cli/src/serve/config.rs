// SPDX-License-Identifier: MIT OR Apache-2.0

//! The configuration file of `mtasts serve`, TOML. Every key is described in `mtasts.toml`, the
//! example that is installed; a key that is not known is an error, never ignored.

use mtasts::{Position, postfix};
use mtasts_host::Options;
use serde::{Deserialize, Deserializer, de};
use socket2::SockAddr;
use std::collections::HashSet;
use std::fmt::{self, Display};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use tracing::Level;

/// The most of anything at a time.
const MAX_COUNT: usize = 10_000_000;

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub store: Option<String>,
    pub store_ca_file: Option<PathBuf>,
    pub local_policies: Option<PathBuf>,
    #[serde(deserialize_with = "socket")]
    pub control: Option<PathBuf>,
    pub enforce_percent: Percent,
    pub defer_on_dns_failure: bool,
    pub cache: Cache,
    pub log: Log,
    pub network: Network,
    pub listen: Vec<Listen>,
}

/// What is kept in memory.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    pub max_policies: usize,
    pub max_without_policy: usize,
    #[serde(deserialize_with = "refresh_after")]
    pub refresh_after: Duration,
    pub max_refreshes: usize,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    #[serde(deserialize_with = "parsed")]
    pub level: Level,
    pub format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The journal if standard error is connected to it, else text.
    #[default]
    Auto,
    Journal,
    Json,
    Text,
}

/// DNS and HTTPS.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    pub nameservers: Vec<NameServer>,
    pub dane: bool,
    #[serde(deserialize_with = "duration")]
    pub dns_timeout: Duration,
    #[serde(deserialize_with = "duration")]
    pub connect_timeout: Duration,
    #[serde(deserialize_with = "duration")]
    pub fetch_timeout: Duration,
    #[serde(deserialize_with = "count")]
    pub max_lookups: usize,
    #[serde(deserialize_with = "count")]
    pub max_fetches_per_address: usize,
    pub ca_file: Option<PathBuf>,
    pub https_port: u16,
    pub allow_non_global: bool,
}

/// One place where questions are taken.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    #[serde(rename = "type")]
    pub kind: Kind,
    pub address: Address,
    #[serde(default, deserialize_with = "postfix_version")]
    pub postfix: Option<postfix::Version>,
    #[serde(default, deserialize_with = "postfix_level")]
    pub smtp_tls_security_level: Option<postfix::Level>,
    #[serde(default)]
    pub mode: Option<Mode>,
    #[serde(default = "max_connections", deserialize_with = "count")]
    pub max_connections: usize,
    #[serde(default = "idle_timeout", deserialize_with = "duration")]
    pub idle_timeout: Duration,
    /// The control socket, not a key.
    #[serde(skip)]
    pub is_control: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Socketmap,
    Readsocket,
    Http,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Socketmap => "socketmap",
            Self::Readsocket => "readsocket",
            Self::Http => "http",
        }
    }
}

/// `ADDRESS:PORT`, or the path of a unix socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// The permissions of a unix socket, octal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode(pub u32);

/// 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percent(pub u8);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameServer(pub SocketAddr);

impl Config {
    /// Reads the file. The error names file, line and column.
    pub fn read(file: &Path) -> Result<Self, String> {
        let at = |error: &dyn Display| format!("{}: {error}", file.display());
        let text = std::fs::read_to_string(file).map_err(|error| at(&error))?;
        let config: Self = toml::from_str(&text).map_err(|error| at(&place(&text, &error)))?;
        config.check().map_err(|error| at(&error))?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        if self.listen.is_empty() {
            return Err("there is no [[listen]]: nobody could ask".to_owned());
        }
        self.listen.iter().try_for_each(Listen::check)?;
        let control = self.control.iter().cloned().map(Address::Unix);
        let listens = self.listen.iter().map(|listen| listen.address.clone());
        let mut addresses = HashSet::new();
        for address in control.chain(listens) {
            let twice = format!("{address}: listed twice");
            addresses.insert(address).then_some(()).ok_or(twice)?;
        }
        Ok(())
    }

    /// The keys, or tables, in which `new` differs: those that a reload takes.
    pub fn differing(&self, new: &Self) -> Vec<&'static str> {
        let network = |config: &Self| {
            let network = &config.network;
            let files = (network.nameservers.clone(), network.ca_file.clone());
            let times = (network.dns_timeout, network.connect_timeout);
            let others = (network.https_port, network.allow_non_global);
            (files, times, others, network.fetch_timeout)
        };
        named([
            ("cache", self.cache != new.cache),
            (
                "defer_on_dns_failure",
                self.defer_on_dns_failure != new.defer_on_dns_failure,
            ),
            (
                "enforce_percent",
                self.enforce_percent != new.enforce_percent,
            ),
            ("local_policies", self.local_policies != new.local_policies),
            ("log.level", self.log.level != new.log.level),
            ("network", network(self) != network(new)),
        ])
    }

    /// The same of what is read only at the start.
    pub fn differing_until_restart(&self, new: &Self) -> Vec<&'static str> {
        let (network, new_network) = (&self.network, &new.network);
        named([
            ("control", self.control != new.control),
            ("listen", self.listen != new.listen),
            ("log.format", self.log.format != new.log.format),
            ("network.dane", network.dane != new_network.dane),
            (
                "network.max_lookups",
                network.max_lookups != new_network.max_lookups,
            ),
            ("store", self.store != new.store),
            ("store_ca_file", self.store_ca_file != new.store_ca_file),
        ])
    }

    /// The default host without its store, which the server has by itself.
    pub fn host_options(&self) -> Options {
        Options {
            nameservers: self
                .network
                .nameservers
                .iter()
                .map(|server| server.0)
                .collect(),
            ca_file: self.network.ca_file.clone(),
            https_port: self.network.https_port,
            allow_non_global: self.network.allow_non_global,
            dns_timeout: self.network.dns_timeout,
            connect_timeout: self.network.connect_timeout,
            max_fetches_per_address: self.network.max_fetches_per_address,
            dane: self.network.dane,
            log: super::log::of_host(),
            ..Options::default()
        }
    }

    /// The engine's settings.
    pub fn engine_settings(&self) -> mtasts::engine::Settings {
        let mut settings = mtasts::engine::Settings::default();
        settings.max_policies = self.cache.max_policies;
        settings.max_without_policy = self.cache.max_without_policy;
        settings.max_refreshes = self.cache.max_refreshes;
        let is_url = |store: &String| store.contains("://");
        settings.shares_store = self.store.as_ref().is_some_and(is_url);
        settings.lookup.defer_on_dns_failure = self.defer_on_dns_failure;
        settings.lookup.divert_percent = 100 - self.enforce_percent.0;
        settings.lookup.fetch_timeout_ms = milliseconds(self.network.fetch_timeout);
        settings.lookup.refresh_after = seconds(self.cache.refresh_after);
        // A question waits for its turn, then takes its time.
        let longest = seconds(self.network.fetch_timeout).max(60);
        settings.request_timeout = longest.saturating_mul(2);
        settings
    }
}

/// The keys that differ.
fn named<const N: usize>(keys: [(&'static str, bool); N]) -> Vec<&'static str> {
    let differing = keys.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(key, _)| key).collect()
}

/// What is wrong, and where. The line itself is not shown: it may have a password.
fn place(text: &str, error: &toml::de::Error) -> String {
    let offset = error.span().map_or(0, |span| span.start);
    let Position { line, column } = Position::of(text.as_bytes(), offset);
    format!("line {line}, column {column}: {}", error.message())
}

impl Listen {
    fn check(&self) -> Result<(), String> {
        let is_socketmap = self.kind == Kind::Socketmap;
        let address = &self.address;
        if !is_socketmap && (self.postfix.is_some() || self.smtp_tls_security_level.is_some()) {
            let kind = self.kind.as_str();
            return Err(format!(
                "{address}: `postfix` and `smtp_tls_security_level` are for type = \"socketmap\", \
                 not for \"{kind}\""
            ));
        }
        let version = self.postfix.unwrap_or_default();
        if self.smtp_tls_security_level.is_some() && version < postfix::Version::V3_10 {
            return Err(format!(
                "{address}: `smtp_tls_security_level` wants postfix = \"3.10\": older versions \
                 refuse the attributes that it brings"
            ));
        }
        if self.mode.is_some() && !matches!(address, Address::Unix(_)) {
            return Err(format!("{address}: `mode` is for unix sockets"));
        }
        Ok(())
    }

    /// The control socket, for the server's user and root alone.
    pub fn control(path: &Path) -> Self {
        Self {
            kind: Kind::Http,
            address: Address::Unix(path.to_owned()),
            postfix: None,
            smtp_tls_security_level: None,
            mode: Some(Mode(0o600)),
            max_connections: 64,
            idle_timeout: idle_timeout(),
            is_control: true,
        }
    }

    /// How a Postfix that asks here is answered.
    pub fn style(&self) -> postfix::Style {
        postfix::Style {
            version: self.postfix.unwrap_or_default(),
            level: self.smtp_tls_security_level,
        }
    }
}

impl Default for Cache {
    fn default() -> Self {
        let settings = mtasts::engine::Settings::default();
        Self {
            max_policies: settings.max_policies,
            max_without_policy: settings.max_without_policy,
            refresh_after: Duration::from_secs(settings.lookup.refresh_after.into()),
            max_refreshes: settings.max_refreshes,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: Level::INFO,
            format: Format::Auto,
        }
    }
}

impl Default for Network {
    fn default() -> Self {
        let options = Options::default();
        let lookup = mtasts::Config::default();
        Self {
            nameservers: Vec::new(),
            dane: options.dane,
            dns_timeout: options.dns_timeout,
            connect_timeout: options.connect_timeout,
            fetch_timeout: Duration::from_millis(lookup.fetch_timeout_ms.into()),
            max_lookups: 512,
            max_fetches_per_address: 16,
            ca_file: None,
            https_port: options.https_port,
            allow_non_global: options.allow_non_global,
        }
    }
}

impl Default for Percent {
    fn default() -> Self {
        Self(100)
    }
}

fn max_connections() -> usize {
    10_240
}

fn idle_timeout() -> Duration {
    Duration::from_secs(3_600)
}

fn seconds(duration: Duration) -> u32 {
    duration.as_secs().try_into().unwrap_or(u32::MAX)
}

fn milliseconds(duration: Duration) -> u32 {
    duration.as_millis().try_into().unwrap_or(u32::MAX)
}

impl Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with('/') {
            let path = SockAddr::unix(text).map(|_| Self::Unix(text.into()));
            return path.map_err(|error| format!("\"{text}\": {error}"));
        }
        let address = text.parse().map(Self::Tcp);
        address.map_err(|_| format!("\"{text}\" is neither ADDRESS:PORT nor the path of a socket"))
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match u32::from_str_radix(text, 8) {
            Ok(mode) if mode <= 0o777 => Ok(Self(mode)),
            _ => Err(format!("\"{text}\" is no mode such as \"0660\"")),
        }
    }
}

impl FromStr for NameServer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let with_port = || text.parse().map(Self);
        let address = text.parse::<IpAddr>();
        address
            .map(|address| Self(SocketAddr::new(address, 53)))
            .or_else(|_| with_port())
            .map_err(|_| format!("\"{text}\" is neither ADDRESS nor ADDRESS:PORT"))
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match u8::deserialize(from)? {
            percent @ 0..=100 => Ok(Self(percent)),
            _ => Err(de::Error::custom("more than 100 percent")),
        }
    }
}

macro_rules! from_text {
    ($($type:ty),*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                parsed(from)
            }
        }
    )*};
}

from_text!(Address, Mode, NameServer);

fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(from: D) -> Result<T, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(de::Error::custom)
}

fn postfix_version<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<postfix::Version>, D::Error> {
    word(from, "\"3.0\", \"3.4\" or \"3.10\"")
}

fn postfix_level<'de, D: Deserializer<'de>>(from: D) -> Result<Option<postfix::Level>, D::Error> {
    word(from, "\"may\" or \"encrypt\"")
}

fn word<'de, D, T>(from: D, words: &str) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
{
    let text = String::deserialize(from)?;
    let word = text.parse().map(Some);
    word.map_err(|_| de::Error::custom(format!("\"{text}\" is not {words}")))
}

fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    let no_time = |why: &dyn Display| {
        de::Error::custom(format!("\"{text}\" is no time such as \"20s\": {why}"))
    };
    match humantime::parse_duration(&text) {
        Ok(duration) if duration >= Duration::from_millis(1) => Ok(duration),
        Ok(_) => Err(no_time(&"it is nothing")),
        Err(error) => Err(no_time(&error)),
    }
}

/// The back-off (R-GET-5) leaves no room for more, so that less would be never.
fn refresh_after<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let refresh_after = duration(from)?;
    if refresh_after < Duration::from_secs(300) {
        return Err(de::Error::custom("less than \"5m\" is too often"));
    }
    Ok(refresh_after)
}

/// How many there may be at a time: none at all would be a server that does nothing.
fn count<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    match usize::deserialize(from)? {
        count @ 1..=MAX_COUNT => Ok(count),
        count => Err(de::Error::custom(format!(
            "{count} is not from 1 to {MAX_COUNT}"
        ))),
    }
}

fn socket<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
    match parsed(from)? {
        Address::Unix(path) => Ok(Some(path)),
        Address::Tcp(address) => Err(de::Error::custom(format!(
            "{address} is not the path of a unix socket"
        ))),
    }
}
