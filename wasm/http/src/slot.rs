// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where the component finds its configuration. The world `wasi:http/proxy` has no environment and
//! no files; so `mtasts-pack configure` writes the configuration into the component's memory, and
//! where it is into a slot, which it finds by a mark.

/// The mark. It is nowhere else in the component.
pub const MARK: [u8; 24] = *b"mtasts-http-config-slot\0";

/// Where the configuration is; all zeros where there is none. In memory: the mark, then two numbers
/// of 32 bits, the least significant octet first.
#[cfg(any(target_arch = "wasm32", feature = "lint"))]
#[repr(C)]
struct Slot {
    mark: [u8; 24],
    address: usize,
    length: usize,
}

#[cfg(any(target_arch = "wasm32", feature = "lint"))]
#[used]
static SLOT: Slot = Slot {
    mark: MARK,
    address: 0,
    length: 0,
};

/// The configuration, if there is one.
#[cfg(any(target_arch = "wasm32", feature = "lint"))]
#[expect(unsafe_code, reason = "memory that was written after compilation")]
pub fn text() -> Option<&'static [u8]> {
    // SAFETY: these are fields of a static. What is in them was written after compilation, which
    // the compiler must not know better.
    let (address, length) = unsafe {
        (
            (&raw const SLOT.address).read_volatile(),
            (&raw const SLOT.length).read_volatile(),
        )
    };
    if length == 0 {
        return None;
    }
    // SAFETY: `mtasts-pack configure` has made this memory, beyond what the linker gave out and
    // before what the allocator gets, and put a data segment of this length there. Nobody writes
    // to it.
    Some(unsafe { std::slice::from_raw_parts(std::ptr::with_exposed_provenance(address), length) })
}
