// SPDX-License-Identifier: MIT OR Apache-2.0

//! A C caller's memory: each piece an allocation of its own, so that the sanitizer sees its end.

use arbitrary::{Result, Unstructured};
use mtasts_ffi::text::mtasts_str;
use std::ffi::{CStr, CString, c_char, c_void};
use std::mem::size_of;
use std::ptr;

/// Octets of any kind, sometimes many.
pub fn octets(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let octets: Vec<u8> = u.arbitrary()?;
    Ok(match u.ratio(1, 50)? {
        true => octets.repeat(70_000 / octets.len().max(1)),
        false => octets,
    })
}

/// Octets with their length: perhaps none at NULL, or NULL for some, or a length that is no length.
pub struct Octets {
    octets: Box<[u8]>,
    lie: Option<(bool, usize)>,
}

impl Octets {
    pub fn new(octets: Vec<u8>, u: &mut Unstructured<'_>) -> Result<Self> {
        let lie = match u.int_in_range(0..=60)? {
            0 => Some((true, 0)),
            1 => Some((true, 5)),
            2 => Some((false, 0)),
            3 => Some((false, usize::MAX)),
            4 => Some((false, isize::MAX as usize + 1)),
            _ => None,
        };
        let octets = octets.into_boxed_slice();
        Ok(Self { octets, lie })
    }

    pub fn data(&self) -> *const c_void {
        match self.lie {
            Some((true, _)) => ptr::null(),
            _ => self.octets.as_ptr().cast(),
        }
    }

    pub fn size(&self) -> usize {
        self.lie.map_or(self.octets.len(), |(_, len)| len)
    }
}

/// A C string, or NULL.
pub struct Text(Option<CString>);

impl Text {
    pub fn new(mut octets: Vec<u8>, u: &mut Unstructured<'_>) -> Result<Self> {
        octets.retain(|b| *b != 0);
        let is_null = u.ratio(1, 40)?;
        Ok(Self(CString::new(octets).ok().filter(|_| !is_null)))
    }

    pub fn any(u: &mut Unstructured<'_>) -> Result<Self> {
        let octets = octets(u)?;
        Self::new(octets, u)
    }

    /// A name of a domain or a host, as a rule.
    pub fn name(u: &mut Unstructured<'_>) -> Result<Self> {
        let name: &[u8] = match u.int_in_range(0..=9)? {
            0..=3 => b"example.com",
            4 => b"MX1.Example.COM.",
            5 => b"a.example.net",
            6 => b"[192.0.2.1]",
            7 => b".",
            _ => return Self::any(u),
        };
        Self::new(name.to_vec(), u)
    }

    pub fn as_ptr(&self) -> *const c_char {
        self.0.as_ref().map_or(ptr::null(), |text| text.as_ptr())
    }
}

/// Room for what comes out.
pub struct Buffer {
    octets: Box<[u8]>,
    is_null: bool,
}

impl Buffer {
    pub fn new(enough: usize, u: &mut Unstructured<'_>) -> Result<Self> {
        let size = match u.int_in_range(0..=9)? {
            0 => 0,
            1 => 1,
            2..=5 => usize::from(u.arbitrary::<u8>()?),
            _ => enough,
        };
        Ok(Self {
            octets: vec![0xAA; size].into_boxed_slice(),
            is_null: u.ratio(1, 40)?,
        })
    }

    pub fn data<T>(&mut self) -> *mut T {
        match self.is_null {
            true => ptr::null_mut(),
            false => self.octets.as_mut_ptr().cast(),
        }
    }

    pub fn size(&self) -> usize {
        self.octets.len()
    }

    /// The C string in there; `None` where there is no room for one.
    pub fn text(&self) -> Option<&CStr> {
        let has_room = !self.is_null && !self.octets.is_empty();
        has_room.then(|| CStr::from_bytes_until_nul(&self.octets).expect("a NUL"))
    }
}

/// A struct that begins with its size: of this version, an earlier or a later one, or NULL.
pub struct Struct {
    words: Box<[u64]>,
    is_null: bool,
}

impl Struct {
    /// `value` has the right size in it.
    pub fn new<T: Copy>(value: T, u: &mut Unstructured<'_>) -> Result<Self> {
        let own = size_of::<T>();
        let (size, said, filling) = match u.int_in_range(0..=40)? {
            0 => (8, 0, 0),
            1 => (8, 8, 0),
            2 => (own - 8, own - 8, 0),
            3 => (own + 24, own + 24, 0),
            4 => (own + 24, own + 24, 1),
            5 => (own, usize::MAX, 0),
            _ => (own, own, 0),
        };
        let mut words = vec![filling; size.div_ceil(8)].into_boxed_slice();
        // SAFETY: a `repr(C)` struct of numbers and pointers, copied as far as there is room.
        unsafe {
            let from = (&raw const value).cast::<u8>();
            ptr::copy_nonoverlapping(from, words.as_mut_ptr().cast::<u8>(), size.min(own));
        }
        words[0] = said as u64;
        let is_null = u.ratio(1, 40)?;
        Ok(Self { words, is_null })
    }

    /// A struct of zeros, to be filled in.
    pub fn zero<T: Copy>(u: &mut Unstructured<'_>) -> Result<Self> {
        let mut words = vec![0_u64; size_of::<T>() / 8];
        words[0] = size_of::<T>() as u64;
        // SAFETY: as in `new`; all types here have zeros as a value, and are of whole words.
        let value: T = unsafe { words.as_ptr().cast::<T>().read() };
        Self::new(value, u)
    }

    pub fn data<T>(&mut self) -> *mut T {
        match self.is_null {
            true => ptr::null_mut(),
            false => self.words.as_mut_ptr().cast(),
        }
    }

    /// The struct, if it is all there.
    pub fn read<T: Copy>(&self) -> Option<T> {
        let is_whole = self.words.len() * 8 >= size_of::<T>() && !self.is_null;
        // SAFETY: the library has written it, or nobody since `new`.
        is_whole.then(|| unsafe { self.words.as_ptr().cast::<T>().read() })
    }
}

/// A place for a number, or NULL.
pub fn place<T>(value: &mut T, u: &mut Unstructured<'_>) -> Result<*mut T> {
    Ok(if u.ratio(1, 40)? {
        ptr::null_mut()
    } else {
        value
    })
}

/// Reads all of a string that the library lends.
pub fn read(text: mtasts_str) -> Option<Vec<u8>> {
    if text.data.is_null() {
        assert_eq!(text.len, 0);
        return None;
    }
    // SAFETY: the library says so.
    let octets = unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), text.len + 1) };
    assert_eq!(octets.last(), Some(&0));
    Some(octets[..text.len].to_vec())
}

/// Reads a C string of the library's, which is never NULL.
pub fn read_c(text: *const c_char) -> String {
    assert!(!text.is_null());
    // SAFETY: the library says so.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().expect("UTF-8").to_owned()
}
