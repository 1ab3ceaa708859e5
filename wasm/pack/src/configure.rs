// SPDX-License-Identifier: MIT OR Apache-2.0

//! Writes a configuration into the component of `wasm/http`: into memory of its own, beyond what
//! the linker gave out, by one more data segment; and where that is into the component's slot
//! (`mtasts_http::slot`). Everything else stays as it is, octet for octet.

use crate::Outcome;
use mtasts_http::{Config, slot::MARK};
use wasm_encoder::{
    Component, ConstExpr, Encode, MemorySection, MemoryType, Module, RawSection, SectionId,
};
use wasmparser::{BinaryReader, MemorySectionReader, Validator};

/// The section of a component that is a core module.
const CORE_MODULE: u8 = 1;

/// Magic number and version, of a module and of a component.
const HEADER: usize = 8;

/// The octets of address and length, after the mark.
const NUMBERS: usize = 8;

const PAGE: u64 = 65_536;

/// The component with this configuration, which has been read.
pub fn configured(component: &[u8], text: &[u8]) -> Outcome<Vec<u8>> {
    Config::parse(text)?;
    let mut made = Component::new();
    let mut slots = 0;
    for (id, data) in sections(component)? {
        let module = match id {
            CORE_MODULE => with(data, text)?,
            _ => None,
        };
        slots += usize::from(module.is_some());
        let data = module.as_deref().unwrap_or(data);
        made.section(&RawSection { id, data });
    }
    if slots != 1 {
        return Err("this is not mtasts-http.wasm, or it has a configuration already".into());
    }
    let made = made.finish();
    Validator::new().validate_all(&made)?;
    Ok(made)
}

/// The sections of a module or component, each by its number.
fn sections(binary: &[u8]) -> Outcome<Vec<(u8, &[u8])>> {
    let mut reader = BinaryReader::new(binary, 0);
    reader.read_bytes(HEADER)?;
    let mut sections = Vec::new();
    while !reader.eof() {
        let (id, size) = (reader.read_u8()?, reader.read_var_u32()?);
        sections.push((id, reader.read_bytes(size as usize)?));
    }
    Ok(sections)
}

/// The module with the configuration; `None` where it has no empty slot.
fn with(module: &[u8], text: &[u8]) -> Outcome<Option<Vec<u8>>> {
    let empty = [&MARK[..], &[0; NUMBERS]].concat();
    let (mut made, mut address, mut is_done) = (Module::new(), 0, false);
    for (id, data) in sections(module)? {
        let mut new = None;
        if id == u8::from(SectionId::Memory) {
            (new, address) = grown(data, text.len())?;
        } else if id == u8::from(SectionId::DataCount) {
            new = Some(one_more(data)?);
        } else if id == u8::from(SectionId::Data)
            && let Some(at) = data.windows(empty.len()).position(|octets| octets == empty)
        {
            new = Some(filled(data, at + MARK.len(), address, text)?);
            is_done = true;
        }
        let data = new.as_deref().unwrap_or(data);
        made.section(&RawSection { id, data });
    }
    Ok(is_done.then(|| made.finish()))
}

/// The memory section with pages for the configuration, and their address.
fn grown(section: &[u8], length: usize) -> Outcome<(Option<Vec<u8>>, u32)> {
    let mut memories = MemorySectionReader::new(BinaryReader::new(section, 0))?.into_iter();
    let (Some(memory), None) = (memories.next().transpose()?, memories.next()) else {
        return Err("a module with one memory is wanted".into());
    };
    let pages = (length as u64).div_ceil(PAGE);
    let mut section = MemorySection::new();
    section.memory(MemoryType {
        minimum: memory.initial + pages,
        maximum: memory.maximum.map(|most| most + pages),
        memory64: memory.memory64,
        shared: memory.shared,
        page_size_log2: memory.page_size_log2,
    });
    let mut new = Vec::new();
    section.encode(&mut new);
    // What comes before the section's own octets is its size, which is written again later.
    let mut reader = BinaryReader::new(&new, 0);
    let size = reader.read_var_u32()?;
    let new = reader.read_bytes(size as usize)?.to_vec();
    Ok((Some(new), u32::try_from(memory.initial * PAGE)?))
}

/// A number that is greater by one, and what stands after it.
fn one_more(section: &[u8]) -> Outcome<Vec<u8>> {
    let mut reader = BinaryReader::new(section, 0);
    let count = reader.read_var_u32()?;
    let mut new = Vec::new();
    (count + 1).encode(&mut new);
    new.extend_from_slice(
        section
            .get(reader.original_position() as usize..)
            .unwrap_or_default(),
    );
    Ok(new)
}

/// The data section with `text` at `address`, and both in the slot, whose numbers are at `slot`.
fn filled(section: &[u8], slot: usize, address: u32, text: &[u8]) -> Outcome<Vec<u8>> {
    let mut section = section.to_vec();
    let length = u32::try_from(text.len())?;
    let numbers = [address.to_le_bytes(), length.to_le_bytes()].concat();
    let place = section.get_mut(slot..slot + NUMBERS);
    place
        .ok_or("a slot without numbers")?
        .copy_from_slice(&numbers);
    let mut new = one_more(&section)?;
    0_u32.encode(&mut new); // an active segment of the first memory
    ConstExpr::i32_const(address.cast_signed()).encode(&mut new);
    text.encode(&mut new);
    Ok(new)
}
