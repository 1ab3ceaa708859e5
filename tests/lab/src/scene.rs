// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads a scene: a TOML file that says which domains, mail hosts and records there are. Its
//! keys are those of the control channel; README.md lists them.

use crate::{
    error::Error,
    host::Host,
    record::Extra,
    value::{self, Value},
    world::{Defaults, Pair, World},
};

/// The domain that `https=redirect` leads to: it serves a policy of mode none.
pub const LURE: &str = "redirect.test";

const SECTIONS: &[&str] = &["defaults", "domain", "bulk", "host", "record"];

/// The world that a scene describes.
pub fn load(text: &str) -> Result<World, Error> {
    let scene: toml::Table = text.parse()?;
    check_sections(&scene)?;
    let mut world = World::new(defaults(&scene)?);
    load_hosts(&mut world, &scene)?;
    add_lure(&mut world)?;
    for table in tables(&scene, "domain")? {
        let (name, pairs) = named(table)?;
        world.add(&name, &pairs)?;
    }
    for table in tables(&scene, "bulk")? {
        add_bulk(&mut world, table)?;
    }
    load_records(&mut world, &scene)?;
    world.remember();
    Ok(world)
}

fn check_sections(scene: &toml::Table) -> Result<(), Error> {
    match scene.keys().find(|key| !SECTIONS.contains(&key.as_str())) {
        Some(key) => Err(Error::unknown("section", key, SECTIONS)),
        None => Ok(()),
    }
}

/// The tables of an array of tables, which may be missing.
fn tables<'a>(scene: &'a toml::Table, key: &str) -> Result<Vec<&'a toml::Table>, Error> {
    let Some(found) = scene.get(key) else {
        return Ok(Vec::new());
    };
    let tables: Option<Vec<_>> = found
        .as_array()
        .and_then(|items| items.iter().map(toml::Value::as_table).collect());
    tables.ok_or_else(|| Error::new(format!("write [[{key}]]: there can be many")))
}

fn defaults(scene: &toml::Table) -> Result<Defaults, Error> {
    let mut defaults = Defaults::default();
    let Some(table) = scene.get("defaults").and_then(toml::Value::as_table) else {
        return Ok(defaults);
    };
    for (key, value) in pairs(table)? {
        match key.as_str() {
            "ttl" => defaults.ttl = value.parse()?,
            "negative_ttl" => defaults.negative_ttl = value.parse()?,
            "https_listen" => defaults.https_listen = value.addresses()?,
            "smtp_base" => defaults.smtp_base = value.parse()?,
            _ => defaults.domain.push((key, value)),
        }
    }
    Ok(defaults)
}

fn pairs(table: &toml::Table) -> Result<Vec<Pair>, Error> {
    let pair = |(key, value): (&String, &toml::Value)| {
        Ok((
            key.clone(),
            Value::from_toml(key, value).map_err(|error| error.within(key))?,
        ))
    };
    table.iter().map(pair).collect()
}

/// A table's pairs, and its `name` apart.
fn named(table: &toml::Table) -> Result<(String, Vec<Pair>), Error> {
    let mut pairs = pairs(table)?;
    let name = take(&mut pairs, "name").ok_or_else(|| Error::new("a table has no `name`"))?;
    Ok((value::name(name.text()?)?, pairs))
}

fn take(pairs: &mut Vec<Pair>, key: &str) -> Option<Value> {
    let place = pairs.iter().position(|(found, _)| found == key)?;
    Some(pairs.remove(place).1)
}

fn load_hosts(world: &mut World, scene: &toml::Table) -> Result<(), Error> {
    // Those that name their address go first, so that no other takes it.
    let mut tables: Vec<_> = tables(scene, "host")?;
    tables.sort_by_key(|table| !table.contains_key("listen"));
    for table in tables {
        let (name, mut pairs) = named(table)?;
        let listen = match take(&mut pairs, "listen") {
            Some(listen) => listen.parse()?,
            None => world.free_address(),
        };
        let mut host = Host::new(name.clone(), listen);
        for (key, value) in pairs {
            host.set(&key, &value)
                .map_err(|error| error.within(&name))?;
        }
        world.add_host(host);
    }
    Ok(())
}

fn load_records(world: &mut World, scene: &toml::Table) -> Result<(), Error> {
    for table in tables(scene, "record")? {
        let (name, record) = Extra::from_toml(table, world.defaults.ttl)?;
        world.note_parents(&name);
        world.records.entry(name).or_default().push(record);
    }
    Ok(())
}

fn add_lure(world: &mut World) -> Result<(), Error> {
    let pairs = [("mx", ""), ("policy", "none"), ("max_age", "31557600")];
    let pairs = pairs.map(|(key, value)| (key.to_owned(), Value::from(value)));
    world.add(LURE, &pairs)
}

fn add_bulk(world: &mut World, table: &toml::Table) -> Result<(), Error> {
    let mut pairs = pairs(table)?;
    let missing = |key: &str| Error::new(format!("bulk needs `{key}`"));
    let count: u32 = take(&mut pairs, "count")
        .ok_or_else(|| missing("count"))?
        .parse()?;
    let pattern = take(&mut pairs, "pattern").ok_or_else(|| missing("pattern"))?;
    let pattern = pattern.text()?;
    let parent = pattern
        .split_once('.')
        .map_or(pattern, |(_, parent)| parent);
    // One mail host for all of them, unless the scene says which.
    pairs.insert(
        0,
        (
            "mx".to_owned(),
            Value::from(format!("mx.{parent}").as_str()),
        ),
    );
    for number in 0..count {
        world.add(&pattern.replace("{}", &number.to_string()), &pairs)?;
    }
    Ok(())
}
