// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which of a plan's steps are to be taken now: those up to the first that is to be waited for.

use super::known::Known;
use mtasts::PolicyId;
use mtasts_publish::{Kind, Plan, Step, Written};

/// A plan, cut.
pub struct Stage<'a> {
    /// To be done now.
    pub now: &'a [Step],
    /// To be done later.
    pub later: &'a [Step],
    is_mx_known: bool,
}

impl<'a> Stage<'a> {
    /// The next stage; `waited`: what it begins with is done and waited for already.
    pub fn of(plan: &'a Plan, known: &Known, waited: bool) -> Self {
        let is_mx_known = known.mx.is_some();
        let is_over = |step: &&Step| waited && is_gate(step, is_mx_known);
        let done = plan.steps.iter().take_while(is_over).count();
        let left = &plan.steps[done..];
        let is_end = |step: &Step| step.wait.is_some();
        let end = left.iter().position(is_end).map_or(left.len(), |at| at + 1);
        let (now, later) = left.split_at(end);
        Self {
            now,
            later,
            is_mx_known,
        }
    }

    /// The policy to serve, if it changes now.
    pub fn policy(&self) -> Option<&'a Written> {
        self.now.iter().find_map(|step| step.policy.as_ref())
    }

    /// The id to publish, if it changes now.
    pub fn id(&self) -> Option<&'a PolicyId> {
        self.now.iter().find_map(|step| step.id.as_ref())
    }

    /// Whether it begins by a wait that only the owner can say the end of.
    pub fn can_be_waited_for(&self) -> bool {
        self.now
            .first()
            .is_some_and(|step| is_gate(step, self.is_mx_known))
    }

    /// Whether this is the plan's first stage for a domain without a policy.
    pub fn is_first(&self) -> bool {
        self.now.iter().any(|step| step.kind == Kind::PolicyHost)
    }
}

/// Whether the owner's word opens it. That DNS does not name a host any more is seen there, if DNS
/// was looked at.
fn is_gate(step: &Step, is_mx_known: bool) -> bool {
    match step.kind {
        Kind::Reports | Kind::Keep => true,
        Kind::MxRecords => !is_mx_known,
        _ => false,
    }
}
