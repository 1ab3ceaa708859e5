// SPDX-License-Identifier: MIT OR Apache-2.0

//! What needs no handle.

use super::is_one_of;
use super::memory::{Buffer, Octets, Struct, Text, read_c};
use super::text;
use arbitrary::{Result, Unstructured};
use mtasts_ffi::certificate::*;
use mtasts_ffi::outcome::*;
use mtasts_ffi::policy::*;
use mtasts_ffi::postfix::*;
use mtasts_ffi::record::*;
use mtasts_ffi::report::*;
use mtasts_ffi::status::*;
use mtasts_ffi::strerror::*;
use mtasts_ffi::text::mtasts_bytes;
use mtasts_ffi::tlsrpt::*;
use mtasts_ffi::verdict::*;
use mtasts_ffi::version::*;

pub fn call(u: &mut Unstructured<'_>) -> Result<()> {
    match u.int_in_range(0..=4)? {
        0 => names(u.arbitrary()?),
        1 => names(i32::from(u.arbitrary::<i8>()?)),
        2 => certificate(u)?,
        3 => next_hop(u)?,
        _ => record(u)?,
    }
    Ok(())
}

fn names(number: i32) {
    let words = [
        mtasts_action_name(number),
        mtasts_basis_name(number),
        mtasts_cause_name(number),
        mtasts_cause_text(number),
        mtasts_certificate_name(number),
        mtasts_mode_name(number),
        mtasts_policy_type_name(number),
        mtasts_reason_name(number),
        mtasts_result_name(number),
        mtasts_strerror(number),
        mtasts_version(),
    ];
    for word in words {
        assert!(!read_c(word).is_empty());
    }
    is_one_of(
        mtasts_version_check(number, number, number),
        &[MTASTS_E_VERSION],
    );
    assert_eq!(mtasts_abi_version(), MTASTS_ABI_VERSION);
}

fn certificate(u: &mut Unstructured<'_>) -> Result<()> {
    const OTHERS: &[i32] = &[
        MTASTS_E_HOST_MISMATCH,
        MTASTS_E_CERTIFICATE,
        MTASTS_E_DOMAIN,
        MTASTS_E_ARGUMENT,
    ];
    let der = match u.ratio(1, 2)? {
        true => include_bytes!("../../../core/tests/data/certificate.der").to_vec(),
        false => text(u)?,
    };
    let (der, name) = (Octets::new(der, u)?, Text::name(u)?);
    // SAFETY: as the header wants it.
    let status = unsafe { mtasts_certificate_check_name(der.data(), der.size(), name.as_ptr()) };
    is_one_of(status, OTHERS);
    Ok(())
}

fn next_hop(u: &mut Unstructured<'_>) -> Result<()> {
    const OTHERS: &[i32] = &[
        MTASTS_E_ADDRESS_LITERAL,
        MTASTS_E_DOMAIN,
        MTASTS_E_TOO_LARGE,
        MTASTS_E_ARGUMENT,
    ];
    let (key, mut buffer) = (Text::name(u)?, Buffer::new(300, u)?);
    let (data, size) = (buffer.data(), buffer.size());
    // SAFETY: as the header wants it.
    let status = unsafe { mtasts_postfix_next_hop(key.as_ptr(), data, size) };
    is_one_of(status, OTHERS);
    if let Some(text) = buffer.text() {
        assert_eq!(text.is_empty(), status != MTASTS_OK);
    }
    Ok(())
}

fn record(u: &mut Unstructured<'_>) -> Result<()> {
    let records = Records::new(u)?;
    let mut id = [0x55_u8; MTASTS_ID_SIZE];
    let place = super::memory::place(&mut id, u)?;
    let mut problem = Struct::zero::<mtasts_problem>(u)?;
    // SAFETY: as the header wants it.
    let status = unsafe {
        mtasts_record_select(
            records.data(),
            records.count(),
            place.cast(),
            problem.data(),
        )
    };
    is_one_of(status, &[MTASTS_E_RECORD, MTASTS_E_ARGUMENT, MTASTS_E_SIZE]);
    if status == MTASTS_OK {
        assert!(id.contains(&0) && id[0] != 0);
    }
    Ok(())
}

/// TXT records, as a caller has them.
pub struct Records {
    _texts: Vec<Octets>,
    bytes: Box<[mtasts_bytes]>,
    lie: Option<(bool, usize)>,
}

impl Records {
    pub fn new(u: &mut Unstructured<'_>) -> Result<Self> {
        let mut texts = Vec::new();
        for _ in 0..u.int_in_range(0..=3)? {
            let text = text(u)?;
            texts.push(Octets::new(text, u)?);
        }
        let lie = match u.int_in_range(0..=40)? {
            0 => Some((true, 0)),
            1 => Some((true, 1)),
            2 => Some((false, usize::MAX)),
            _ => None,
        };
        let bytes = texts.iter().map(|text| mtasts_bytes {
            data: text.data(),
            len: text.size(),
        });
        Ok(Self {
            bytes: bytes.collect(),
            _texts: texts,
            lie,
        })
    }

    pub fn data(&self) -> *const mtasts_bytes {
        match self.lie {
            Some((true, _)) => std::ptr::null(),
            _ => self.bytes.as_ptr(),
        }
    }

    pub fn count(&self) -> usize {
        self.lie.map_or(self.bytes.len(), |(_, count)| count)
    }
}
