// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts-js-pack MODULE.wasm FOLDER`: what the command `wasm-bindgen` does, as a program that
//! cargo builds in the version that `Cargo.lock` names. The glue that it writes loads nothing; the
//! package does, in the way of each runtime.

use std::process::ExitCode;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [module, folder] = &words[..] else {
        eprintln!("usage: mtasts-js-pack MODULE.wasm FOLDER");
        return ExitCode::from(2);
    };
    match pack(module, folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mtasts-js-pack: {error}");
            ExitCode::FAILURE
        }
    }
}

fn pack(module: &str, folder: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .out_name("engine")
        .bundler(true)?
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true);
    Ok(bindgen.generate(folder)?)
}
