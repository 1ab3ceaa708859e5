// SPDX-License-Identifier: MIT OR Apache-2.0

//! Makes a WebAssembly component of a core module that wit-bindgen has marked with its world, tells
//! what a component imports, and writes its configuration into that of `wasm/http`:
//!
//! ```text
//! mtasts-pack component MODULE OUT
//! mtasts-pack imports COMPONENT
//! mtasts-pack configure COMPONENT CONFIGURATION OUT
//! ```
//!
//! Nothing is put between the module and its host: a module that calls what its world does not
//! import, WASI for instance, is refused.

mod configure;

use std::error::Error;
use std::{env, fs, process::ExitCode};
use wit_component::{ComponentEncoder, DecodedWasm, decode};
use wit_parser::{Resolve, WorldItem, WorldKey};

type Outcome<T> = Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: mtasts-pack component MODULE OUT | imports COMPONENT | configure \
                     COMPONENT CONFIGURATION OUT";

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["component", module, out] => component(module, out),
        ["configure", file, configuration, out] => configure(file, configuration, out),
        ["imports", file] => imports(file),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mtasts-pack: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn component(module: &str, out: &str) -> Outcome<()> {
    let module = read(module)?;
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(&module)?;
    fs::write(out, encoder.encode()?)?;
    Ok(())
}

fn configure(file: &str, configuration: &str, out: &str) -> Outcome<()> {
    let (component, text) = (read(file)?, read(configuration)?);
    let made = configure::configured(&component, &text)
        .map_err(|error| format!("{configuration}: {error}"))?;
    Ok(fs::write(out, made)?)
}

/// Prints each imported function, and each import that is none, such as an interface of types, by
/// its name alone.
fn imports(file: &str) -> Outcome<()> {
    let DecodedWasm::Component(resolve, world) = decode(&read(file)?)? else {
        return Err(format!("{file} is no component").into());
    };
    let world = resolve
        .worlds
        .get(world)
        .ok_or("a component without a world")?;
    for (key, item) in &world.imports {
        print_import(&resolve, key, item);
    }
    Ok(())
}

fn print_import(resolve: &Resolve, key: &WorldKey, item: &WorldItem) {
    let name = resolve.name_world_key(key);
    println!("{name}");
    if let WorldItem::Interface { id, .. } = item {
        for function in resolve.interfaces[*id].functions.keys() {
            println!("{name} {function}");
        }
    }
}

fn read(file: &str) -> Outcome<Vec<u8>> {
    fs::read(file).map_err(|error| format!("{file}: {error}").into())
}
