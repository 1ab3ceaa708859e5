// SPDX-License-Identifier: MIT OR Apache-2.0

/// Why there is no store.
#[derive(Debug)]
pub enum Problem {
    Failed,
    Forked,
}
