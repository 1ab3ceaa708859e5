// SPDX-License-Identifier: MIT OR Apache-2.0

//! Policies.

use super::memory::{Octets, Struct, Text, read};
use super::{World, is_one_of, text};
use arbitrary::{Result, Unstructured};
use mtasts_ffi::policy::*;
use mtasts_ffi::status::*;

impl World {
    pub fn policy(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u.int_in_range(0..=3)? {
            0 => self.parse_policy(u),
            1 => {
                let policy = self.policies.take(u)?;
                // SAFETY: it is forgotten.
                unsafe { mtasts_policy_free(policy) };
                Ok(())
            }
            _ => {
                let policy = self.policies.pick(u)?;
                use_policy(policy, u)
            }
        }
    }

    fn parse_policy(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        const OTHERS: &[i32] = &[MTASTS_E_POLICY, MTASTS_E_ARGUMENT, MTASTS_E_SIZE];
        let body = text(u)?;
        let body = Octets::new(body, u)?;
        let flags = i32::from(u.int_in_range(-1..=2_i8)?);
        let mut problem = Struct::zero::<mtasts_problem>(u)?;
        self.policies.make(u, OTHERS, |out| {
            // SAFETY: as the header wants it.
            unsafe { mtasts_policy_parse(body.data(), body.size(), flags, out, problem.data()) }
        })?;
        if let Some(problem) = problem.read::<mtasts_problem>() {
            assert!(problem.message.contains(&0) && problem.kind.contains(&0));
        }
        Ok(())
    }
}

/// All that may be asked of a policy, or of NULL.
pub fn use_policy(policy: *const mtasts_policy, u: &mut Unstructured<'_>) -> Result<()> {
    let (host, beyond) = (Text::name(u)?, u.arbitrary::<usize>()?);
    let mut warning = Struct::zero::<mtasts_problem>(u)?;
    // SAFETY: a policy, or NULL.
    unsafe {
        let (mode, count) = (mtasts_policy_mode(policy), mtasts_policy_mx_count(policy));
        assert_eq!(mode == 0, policy.is_null());
        assert!(mtasts_policy_max_age(policy) <= mtasts::policy::MAX_MAX_AGE);
        for index in [0, count.saturating_sub(1), count, beyond] {
            let mx = read(mtasts_policy_mx(policy, index));
            assert_eq!(mx.is_some(), index < count);
        }
        assert_eq!(
            read(mtasts_policy_text(policy)).is_some(),
            !policy.is_null()
        );
        assert!(matches!(
            mtasts_policy_matches(policy, host.as_ptr()),
            0 | 1
        ));
        let warnings = mtasts_policy_warning_count(policy);
        for index in [0, warnings, beyond] {
            let status = mtasts_policy_warning(policy, index, warning.data());
            is_one_of(status, &[MTASTS_E_ARGUMENT, MTASTS_E_SIZE]);
            assert!(status != MTASTS_OK || index < warnings);
        }
    }
    Ok(())
}
