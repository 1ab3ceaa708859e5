// SPDX-License-Identifier: MIT OR Apache-2.0

//! The headers of a request, all by one call: to ask Envoy for a header takes longer than all that
//! is done with it. The SDK's own function copies each, and panics at a name that is not UTF-8.

#![expect(unsafe_code, reason = "Envoy's ABI")]

/// The request's headers, among the ABI's maps.
const REQUEST: u32 = 0;

const WORD: usize = size_of::<u32>();

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    /// Writes a map into memory that it has from our allocator; gives 0 if it did.
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
}

/// The headers as the ABI has them: how many there are, then the lengths of each name and value,
/// then these, each with a NUL after it. Numbers are little-endian and of 32 bits.
pub struct Headers(Vec<u8>);

impl Headers {
    /// Those of the request of which Envoy is telling; none where it gives none.
    pub fn of_request() -> Self {
        let (mut data, mut size) = (std::ptr::null_mut(), 0);
        // SAFETY: both pointers are valid. What comes back was allocated by our allocator, with
        // this size, and is nobody else's.
        unsafe {
            let status = proxy_get_header_map_pairs(REQUEST, &raw mut data, &raw mut size);
            if status != 0 || data.is_null() {
                return Self(Vec::new());
            }
            Self(Vec::from_raw_parts(data, size, size))
        }
    }

    /// The value of the first header of this name; none that is not UTF-8.
    pub fn get(&self, name: &str) -> Option<&str> {
        let count = self.word(0)?;
        let mut at = WORD.checked_add(count.checked_mul(2 * WORD)?)?;
        for number in 0..count {
            let lengths = WORD + number * 2 * WORD;
            let (key, value) = (self.word(lengths)?, self.word(lengths + WORD)?);
            let value_at = at.checked_add(key)?.checked_add(1)?;
            let end = value_at.checked_add(value)?;
            if self.0.get(at..at + key)? == name.as_bytes() {
                return std::str::from_utf8(self.0.get(value_at..end)?).ok();
            }
            at = end.checked_add(1)?;
        }
        None
    }

    fn word(&self, at: usize) -> Option<usize> {
        let octets = self.0.get(at..at.checked_add(WORD)?)?;
        let word = u32::from_le_bytes(octets.try_into().ok()?);
        usize::try_from(word).ok()
    }
}
