// SPDX-License-Identifier: MIT OR Apache-2.0

//! A host of the world `resolving`: it answers the component's questions, by the DNS and HTTPS of
//! mtasts-host, and the component does the rest. `mtasts-component-host COMPONENT` looks up what its
//! standard input asks for; `../README.md` says how.

mod answer;
mod host;

use answer::{Asked, Lookups};
use std::error::Error;
use std::io::{BufRead, stdin};
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, Store};

wasmtime::component::bindgen!({ path: "../../../wit", world: "resolving" });

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("which component?")?;
    let engine = Engine::default();
    let component = Component::from_file(&engine, file)?;
    let mut linker = Linker::new(&engine);
    Resolving::add_to_linker::<_, HasSelf<_>>(&mut linker, |host: &mut host::Lab| host)?;
    let mut store = Store::new(&engine, host::Lab::from_environment()?);
    let world = Resolving::instantiate(&mut store, &component, &linker)?;
    let mut lookups = Lookups { world, store };
    for line in stdin().lock().lines() {
        let asked: Asked = serde_json::from_str(&line?)?;
        println!("{}", lookups.answer(&asked)?);
    }
    Ok(())
}
