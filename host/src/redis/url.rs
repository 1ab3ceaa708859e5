// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where the store of a fleet is: the URL and its parts.

use percent_encoding::percent_decode_str;
use std::net::Ipv6Addr;
use std::path::PathBuf;

/// What the URL says.
pub(super) struct Location {
    pub place: Place,
    pub tls: bool,
    /// For the servers that hold the data.
    pub login: Login,
    pub database: i64,
    /// What every key begins with.
    pub prefix: String,
    /// The scheme and the hosts, for messages.
    pub name: String,
}

/// Who one is, if one says so.
#[derive(Clone, Default)]
pub(super) struct Login {
    pub user: Option<String>,
    pub password: Option<String>,
}

/// Which servers hold the data, or tell.
pub(super) enum Place {
    Cluster(Vec<Host>),
    Sentinel {
        sentinels: Vec<Host>,
        service: String,
        login: Login,
    },
    Single(Host),
    Socket(PathBuf),
}

/// A name or an address, and a port.
pub(super) type Host = (String, u16);

const PREFIX: &str = "mtasts:1:";
const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

const SCHEME: &str = "it begins with redis://, rediss://, redis+unix://, redis+cluster://, \
    rediss+cluster://, redis+sentinel:// or rediss+sentinel://";
const SEVERAL: &str = "several hosts want redis+cluster:// or redis+sentinel://";
const DATABASE: &str = "the database is a number";
const ESCAPE: &str = "what is escaped with % is not UTF-8";

/// Reads a URL. The error repeats nothing of it.
pub(super) fn parse(url: &str) -> Result<Location, &'static str> {
    let (scheme, rest) = url.split_once("://").ok_or(SCHEME)?;
    let (family, form) = scheme.split_once('+').unwrap_or((scheme, ""));
    let tls = match family {
        "redis" | "valkey" => false,
        "rediss" | "valkeys" => true,
        _ => return Err(SCHEME),
    };
    let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
    let options = Options::parse(options)?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (Login::parse(login)?, hosts),
        None => (Login::default(), authority),
    };
    let name = format!("{scheme}://{hosts}");
    let (place, database) = match form {
        "" => single(hosts, path)?,
        "unix" if !tls => return socket(hosts, path, login, options),
        "cluster" => cluster(hosts, path)?,
        "sentinel" => sentinel(hosts, path, &options)?,
        _ => return Err(SCHEME),
    };
    options.check(&place)?;
    Ok(Location {
        place,
        tls,
        login,
        database,
        prefix: options.prefix,
        name,
    })
}

fn single(hosts: &str, path: &str) -> Result<(Place, i64), &'static str> {
    match <[Host; 1]>::try_from(list(hosts, REDIS_PORT)?) {
        Ok([host]) => Ok((Place::Single(host), database(path.trim_matches('/'))?)),
        Err(_) => Err(SEVERAL),
    }
}

fn socket(
    host: &str,
    path: &str,
    login: Login,
    options: Options,
) -> Result<Location, &'static str> {
    if !host.is_empty() || path.len() < 2 {
        return Err("a socket has no host and an absolute path: redis+unix:///run/redis.sock");
    }
    let path = decode(path)?;
    let place = Place::Socket(PathBuf::from(&path));
    options.check(&place)?;
    Ok(Location {
        place,
        tls: false,
        login,
        database: database(&options.database)?,
        prefix: options.prefix,
        name: format!("redis+unix://{path}"),
    })
}

fn cluster(hosts: &str, path: &str) -> Result<(Place, i64), &'static str> {
    match path.trim_matches('/') {
        "" | "0" => Ok((Place::Cluster(list(hosts, REDIS_PORT)?), 0)),
        _ => Err("a cluster has no database but 0"),
    }
}

fn sentinel(hosts: &str, path: &str, options: &Options) -> Result<(Place, i64), &'static str> {
    let path = path.trim_matches('/');
    let (service, number) = path.split_once('/').unwrap_or((path, ""));
    if service.is_empty() {
        return Err("after the sentinels comes the name of what they watch: /mymaster");
    }
    let place = Place::Sentinel {
        sentinels: list(hosts, SENTINEL_PORT)?,
        service: decode(service)?,
        login: options.sentinel.clone().checked()?,
    };
    Ok((place, database(number)?))
}

fn database(number: &str) -> Result<i64, &'static str> {
    match number {
        "" => Ok(0),
        _ => number.parse::<u16>().map(i64::from).map_err(|_| DATABASE),
    }
}

fn list(hosts: &str, port: u16) -> Result<Vec<Host>, &'static str> {
    hosts.split(',').map(|text| host(text, port)).collect()
}

/// `name`, `name:port`, or an address in place of the name, one of IPv6 in brackets.
fn host(text: &str, default: u16) -> Result<Host, &'static str> {
    let (name, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) if address.parse::<Ipv6Addr>().is_ok() => (address, rest),
        Some(_) => return Err("what is in brackets is no address of IPv6"),
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_good) {
        return Err("a host is missing, or is not a name or an address");
    }
    let port = match port.strip_prefix(':') {
        Some(digits) => digits.parse().ok().filter(|port| *port > 0),
        None => Some(default).filter(|_| port.is_empty()),
    };
    let port = port.ok_or("a port is a number from 1 to 65535")?;
    Ok((name.to_owned(), port))
}

fn decode(text: &str) -> Result<String, &'static str> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(String::from).map_err(|_| ESCAPE)
}

impl Login {
    /// `user:password` or `:password`.
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        let part = |text| decode(text).map(|part| Some(part).filter(|part| !part.is_empty()));
        Self {
            user: part(user)?,
            password: part(password)?,
        }
        .checked()
    }

    /// The client would go on without saying who it is.
    fn checked(self) -> Result<Self, &'static str> {
        match self.user.is_some() && self.password.is_none() {
            true => Err("a user has a password: user:password@"),
            false => Ok(self),
        }
    }
}

/// What follows the question mark.
#[derive(Default)]
struct Options {
    database: String,
    prefix: String,
    sentinel: Login,
}

impl Options {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let mut options = Self {
            prefix: PREFIX.to_owned(),
            ..Self::default()
        };
        for option in text.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let value = decode(value)?;
            match name {
                _ if value.is_empty() => return Err("an option has no value"),
                "db" => options.database = value,
                "prefix" => options.prefix = value,
                "sentinel-user" => options.sentinel.user = Some(value),
                "sentinel-password" => options.sentinel.password = Some(value),
                _ => return Err("options are prefix, db, sentinel-user and sentinel-password"),
            }
        }
        Ok(options)
    }

    /// Whether they belong to the place.
    fn check(&self, place: &Place) -> Result<(), &'static str> {
        let is_sentinel = matches!(place, Place::Sentinel { .. });
        let is_socket = matches!(place, Place::Socket(_));
        let Login { user, password } = &self.sentinel;
        if !is_sentinel && (user.is_some() || password.is_some()) {
            return Err("sentinel-user and sentinel-password go with redis+sentinel://");
        }
        match self.database.is_empty() || is_socket {
            true => Ok(()),
            false => Err("the option db goes with redis+unix://; else it is the path: /1"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

    use super::*;

    fn hosts(url: &str) -> Vec<Host> {
        match parse(url).unwrap().place {
            Place::Cluster(hosts) => hosts,
            Place::Sentinel { sentinels, .. } => sentinels,
            Place::Single(host) => vec![host],
            Place::Socket(path) => vec![(path.display().to_string(), 0)],
        }
    }

    fn host(name: &str, port: u16) -> Host {
        (name.to_owned(), port)
    }

    #[test]
    fn each_form_gives_its_hosts() {
        assert_eq!(hosts("redis://a.example"), [host("a.example", 6379)]);
        assert_eq!(hosts("rediss://u:p@10.0.0.1:7/2"), [host("10.0.0.1", 7)]);
        assert_eq!(hosts("valkey://[::1]:7001"), [host("::1", 7001)]);
        assert_eq!(hosts("redis+unix:///run/r.sock"), [host("/run/r.sock", 0)]);
        let three = [host("a", 6379), host("b", 7), host("::1", 6379)];
        assert_eq!(hosts("redis+cluster://a,b:7,[::1]"), three);
        let two = [host("a", 26379), host("b", 7)];
        assert_eq!(hosts("rediss+sentinel://:p@a,b:7/main/3"), two);
    }

    #[test]
    fn user_password_database_and_prefix_are_read() {
        let location = parse("rediss://me:p%40s%2Fs@a/7?prefix=mail%3A").unwrap();
        assert!(location.tls);
        assert_eq!(location.login.user.as_deref(), Some("me"));
        assert_eq!(location.login.password.as_deref(), Some("p@s/s"));
        assert_eq!(location.database, 7);
        assert_eq!(location.prefix, "mail:");
        assert_eq!(location.name, "rediss://a");
        let plain = parse("redis://a").unwrap();
        assert!(!plain.tls && plain.login.password.is_none());
        assert_eq!(plain.prefix, "mtasts:1:");
    }

    #[test]
    fn sentinels_may_want_another_password() {
        let url = "redis+sentinel://:data@a/main/3?sentinel-user=s&sentinel-password=w";
        let location = parse(url).unwrap();
        let Place::Sentinel { service, login, .. } = location.place else {
            panic!("not sentinels");
        };
        assert_eq!((service.as_str(), location.database), ("main", 3));
        assert_eq!(location.login.password.as_deref(), Some("data"));
        assert_eq!(login.user.as_deref(), Some("s"));
        assert_eq!(login.password.as_deref(), Some("w"));
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_the_password() {
        let wrong = [
            ("me:secret@a", SCHEME),
            ("http://me:secret@a", SCHEME),
            ("rediss+unix://me:secret@/run/r.sock", SCHEME),
            ("redis+swarm://me:secret@a", SCHEME),
            ("redis://me:secret@a,b", SEVERAL),
            ("redis://me:secret@a/secret", DATABASE),
            ("redis://me:secret@a:0", "a port"),
            ("redis://me:sec/ret@a", "a port"),
            ("redis://me:secret@a:70000", "a port"),
            ("redis://me:secret@", "a host is missing"),
            ("redis://me:secret@a b", "a host is missing"),
            ("redis://me:secret@[a]", "what is in brackets"),
            ("redis://secret@a", "a user has a password"),
            ("redis://me:%ff@a", ESCAPE),
            ("redis://me:secret@a?secret=1", "options are"),
            ("redis://me:secret@a?prefix=", "an option has no value"),
            ("redis://me:secret@a?db=1", "the option db"),
            (
                "redis://me:secret@a?sentinel-password=secret",
                "sentinel-user",
            ),
            ("redis+cluster://me:secret@a/1", "a cluster has no database"),
            ("redis+sentinel://me:secret@a", "after the sentinels"),
            ("redis+sentinel://a/m?sentinel-user=secret", "a user has"),
            (
                "redis+unix://me:secret@a/run/r.sock",
                "a socket has no host",
            ),
            ("redis+unix://", "a socket has no host"),
        ];
        for (url, reason) in wrong {
            let error = parse(url).err().unwrap_or_else(|| panic!("{url} is taken"));
            assert!(error.starts_with(reason), "{url}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
