// SPDX-License-Identifier: MIT OR Apache-2.0

//! A small source of numbers that look random and are the same in every run, and what it makes.

#![allow(dead_code)] // each test file uses some of it

/// Xorshift (Marsaglia 2003) over 64 bits.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn one_of<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }

    /// Up to `most` octets of any kind.
    pub fn octets(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most + 1);
        (0..length).map(|_| self.next() as u8).collect()
    }

    /// `seed` with some octets lost, changed, put in or moved.
    pub fn mutated(&mut self, seed: &[u8]) -> Vec<u8> {
        const LIKELY: &[u8] = b"\n\r\t\0 :;=,.*-_%@[]a0Z\x7F\xC3\xFF";
        let mut octets = seed.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(octets.len() + 1);
            match self.below(5) {
                0 => octets.truncate(at),
                1 => octets.insert(at, LIKELY[self.below(LIKELY.len())]),
                2 if at < octets.len() => octets[at] = LIKELY[self.below(LIKELY.len())],
                3 if at < octets.len() => drop(octets.remove(at)),
                _ => octets.rotate_left(at),
            }
        }
        octets
    }
}
