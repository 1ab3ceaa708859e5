// SPDX-License-Identifier: MIT OR Apache-2.0

//! Structs that begin with their size: the library touches the smaller of its own and the
//! caller's, so that either may be older than the other.

use crate::status::{MTASTS_E_ARGUMENT, MTASTS_E_SIZE};

/// More octets than any version's struct has: such a size was never set.
const TOO_LARGE: usize = 65_536;

/// A `repr(C)` struct whose first member is `size_t size`.
///
/// # Safety
/// Implemented only for such structs, of which every bit pattern of the members after `size` is
/// a value, and whose first [`Sized::FIRST`] octets are in every version of the library.
pub(crate) unsafe trait Sized: Copy {
    /// The size in the first version that had the struct.
    const FIRST: usize;
}

/// Reads a caller's struct over `value`, whose members stay where the caller's is too short. What
/// the caller has beyond must be 0: an option that this library does not know is not ignored.
///
/// # Safety
/// `from` is NULL or points to at least as many octets as its size says.
pub(crate) unsafe fn read<T: Sized>(from: *const T, mut value: T) -> Result<T, i32> {
    // SAFETY: `from` is checked, and the copy is within both structs.
    unsafe {
        let size = size_of_callers(from)?;
        let beyond = from.cast::<usize>().read() - size;
        let mut rest = std::slice::from_raw_parts(from.cast::<u8>().add(size), beyond).iter();
        if rest.any(|octet| *octet != 0) {
            return Err(MTASTS_E_SIZE);
        }
        std::ptr::copy_nonoverlapping(from.cast::<u8>(), (&raw mut value).cast::<u8>(), size);
    }
    Ok(value)
}

/// Writes `value` to a caller's struct, but for the size, which stays the caller's.
///
/// # Safety
/// `to` is NULL or points to at least as many writable octets as its size says.
pub(crate) unsafe fn write<T: Sized>(to: *mut T, value: &T) -> Result<(), i32> {
    const HEAD: usize = size_of::<usize>();
    // SAFETY: `to` is checked, and the copy is within both structs.
    unsafe {
        let size = size_of_callers(to)?;
        let (from, to) = ((&raw const *value).cast::<u8>(), to.cast::<u8>());
        std::ptr::copy_nonoverlapping(from.add(HEAD), to.add(HEAD), size - HEAD);
    }
    Ok(())
}

/// How much of the struct both sides know.
unsafe fn size_of_callers<T: Sized>(of: *const T) -> Result<usize, i32> {
    if of.is_null() {
        return Err(MTASTS_E_ARGUMENT);
    }
    // SAFETY: the first member is the size.
    let size = unsafe { of.cast::<usize>().read() };
    if size < T::FIRST || size >= TOO_LARGE {
        Err(MTASTS_E_SIZE)
    } else {
        Ok(size.min(size_of::<T>()))
    }
}
