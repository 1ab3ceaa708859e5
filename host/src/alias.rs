// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where the CNAMEs of a name lead: for a person who wants to see it. Look-ups follow them by
//! themselves (R-TXT-1).

use crate::DefaultHost;
use crate::dns::{Dns, DnsFailure, MAX_CNAMES, absolute, cname, text};
use hickory_resolver::proto::rr::{Name, RecordType};

impl DefaultHost {
    /// The names that the CNAMEs of `name` lead to one after the other, without final dots; the
    /// last need not exist. None: it is no alias. A question for each, none of them cached.
    ///
    /// # Errors
    /// Why it is not known; [`DnsFailure::Permanent`] for a loop, too.
    pub async fn aliases(&self, name: &str) -> Result<Vec<String>, DnsFailure> {
        let mut names = vec![absolute(name)?];
        while let Some(target) = next(&self.dns, &names).await? {
            if names.contains(&target) || names.len() > MAX_CNAMES {
                return Err(DnsFailure::Permanent);
            }
            names.push(target);
        }
        Ok(names.iter().skip(1).map(text).collect())
    }
}

/// Where the CNAME of the last of `names` leads, if it has one.
async fn next(dns: &Dns, names: &[Name]) -> Result<Option<Name>, DnsFailure> {
    let name = names.last().ok_or(DnsFailure::Permanent)?;
    match dns.question_at(name, RecordType::CNAME).await {
        Ok(response) => Ok(cname(&response.answers, name).map(|(target, _)| target.clone())),
        Err(DnsFailure::NoRecords { .. }) => Ok(None),
        Err(failure) => Err(failure),
    }
}
