// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is said and written of a stage.

use super::known::Known;
use super::stage::Stage;
use super::wish::Wish;
use mtasts::{Mode, PolicyDomain, PolicyId};
use mtasts_publish::{
    Configuration, Draft, Server, Site, Step, Written, Zone, record, tlsrpt_record,
};
use serde_json::{Value, json};
use std::path::PathBuf;

/// The TTL of the zone's lines, an hour.
const TTL: u32 = 3600;

/// A stage, ready to be shown.
pub struct Output<'a> {
    domain: &'a PolicyDomain,
    stage: &'a Stage<'a>,
    policy: Option<&'a Written>,
    id: Option<&'a PolicyId>,
    tlsrpt: Option<String>,
    zone: String,
    server: Option<(Server, Configuration)>,
    site: Site,
    notes: Vec<String>,
    /// What was written.
    pub files: Vec<PathBuf>,
}

impl<'a> Output<'a> {
    /// Makes the texts.
    pub fn new(
        domain: &'a PolicyDomain,
        known: &Known,
        wish: &Wish,
        stage: &'a Stage<'a>,
    ) -> Result<Self, String> {
        let site = Site::of(domain.clone());
        let policy = stage.policy();
        let tlsrpt = match wish.rua.is_empty() {
            true => None,
            false => Some(tlsrpt_record(&wish.rua).map_err(|error| error.to_string())?),
        };
        let present = known.present.as_ref();
        let present = present.and_then(|(policy, _)| Draft::of(policy).write().ok());
        let server = wish.server.zip(policy.or(present.as_ref()));
        let mut output = Self {
            domain,
            stage,
            policy,
            id: stage.id(),
            tlsrpt,
            zone: String::new(),
            server: server.map(|(server, policy)| (server, site.configuration(server, policy))),
            site,
            notes: known.notes.clone(),
            files: Vec::new(),
        };
        output.zone = output.zone_lines(known, wish);
        output.add_notes(known, wish);
        Ok(output)
    }

    /// What the zone is to have from this stage on; what it has already is left out.
    fn zone_lines(&self, known: &Known, wish: &Wish) -> String {
        let record = self.id.map(record);
        let has_tlsrpt = self.tlsrpt.is_none() || self.tlsrpt == tlsrpt_record(&known.rua).ok();
        let is_first = self.stage.is_first();
        let zone = Zone {
            domain: self.domain,
            address: &wish.address,
            record: record.as_deref(),
            tlsrpt: self
                .tlsrpt
                .as_deref()
                .filter(|_| !has_tlsrpt || self.stage.is_first()),
            ttl: TTL,
        };
        let lines = zone.lines();
        let lines = lines.split_inclusive('\n');
        lines
            .filter(|line| is_first || !line.starts_with(';'))
            .map(|line| match line.contains(" IN TXT ") {
                true => format!(
                    "; the one record of its kind at this name, in the place of any other\n{line}"
                ),
                false => line.to_owned(),
            })
            .collect()
    }

    fn add_notes(&mut self, known: &Known, wish: &Wish) {
        if let Ok(wanted) = wish.draft.write() {
            let left = match wish.draft.mx.is_empty() {
                true => Vec::new(),
                false => known.uncovered(wanted.policy()),
            };
            self.notes.extend(left.iter().map(|host| not_covered(host)));
            let advice = wanted.advice();
            self.notes
                .extend(advice.iter().map(|advice| advice.describe().to_owned()));
        }
        let is_applied = wish.draft.mode != Mode::None && !self.stage.now.is_empty();
        if is_applied && self.tlsrpt.is_none() {
            self.notes.push(
                "No address for reports: without --rua nobody tells you when to enforce (RFC 8460 §3)."
                    .into(),
            );
        }
        let (domain, policy) = (self.domain, self.policy.map(Written::policy));
        if policy.is_some_and(|policy| policy.mode() == Mode::Enforce) {
            self.notes.push(format!(
                "From here on mail waits that cannot go to an MX host as the policy says: see by \
                 `mtasts check {domain}` that all of them are ready, before you publish."
            ));
        }
        self.notes.extend(wish.removal_note(known));
    }

    /// The files' names and texts.
    pub fn contents(&self) -> Vec<(&'static str, String)> {
        let mut contents = Vec::new();
        if let Some(policy) = self.policy {
            contents.push(("mta-sts.txt", policy.text().to_owned()));
        }
        if !self.zone.is_empty() {
            contents.push(("zone.txt", self.zone.clone()));
        }
        if let Some((server, configuration)) = &self.server {
            contents.push((server.file_name(), configuration.text.clone()));
        }
        contents
    }

    /// For a person.
    pub fn as_text(&self) -> String {
        let mut text = self.steps_text();
        let notes = self.notes.iter();
        text.extend(notes.map(|note| wrapped(&format!("Note: {note}"), "") + "\n"));
        if self.files.is_empty() {
            for (name, content) in self.contents() {
                let title = self.title(name);
                text += &format!("--- {title}\n{content}\n");
            }
        }
        for file in &self.files {
            text += &format!("wrote {}\n", file.display());
        }
        text
    }

    fn title(&self, name: &str) -> String {
        match name {
            "mta-sts.txt" => format!("{name}, lines end in CRLF; {}", self.site.url()),
            "zone.txt" => format!("{name}, for the zone of {}", self.domain),
            _ => name.to_owned(),
        }
    }

    fn steps_text(&self) -> String {
        let domain = self.domain;
        if self.stage.now.is_empty() {
            return format!(
                "{domain}: the policy that is published is the one that is wanted; nothing to do\n\n"
            );
        }
        let mut text = format!("{domain}: to do now\n\n");
        for (number, step) in (1..).zip(self.stage.now) {
            text += &step_text(number, step);
        }
        if !self.stage.later.is_empty() {
            text += "Later, by `mtasts publish` again (--waited says that the wait is over):\n";
            let titles = self.stage.later.iter().map(|step| &step.title);
            text.extend(titles.map(|title| format!("  - {title}\n")));
            text += "\n";
        }
        text
    }

    /// For programs.
    pub fn as_json(&self) -> Value {
        let now = self.stage.now.iter().map(|step| step_json(step, true));
        let later = self.stage.later.iter().map(|step| step_json(step, false));
        json!({
            "domain": self.domain.as_str(),
            "steps": now.chain(later).collect::<Vec<_>>(),
            "policy": self.policy.map(Written::text),
            "id": self.id.map(PolicyId::as_str),
            "record": self.id.map(record),
            "tlsrpt_record": self.tlsrpt,
            "zone": self.zone,
            "server": self.server.as_ref().map(|(server, configuration)| json!({
                "name": server.as_str(),
                "file": server.file_name(),
                "text": configuration.text,
                "policy_file": configuration.policy_file,
            })),
            "notes": self.notes,
            "files": self.files.iter().map(|file| file.to_string_lossy()).collect::<Vec<_>>(),
        })
    }
}

fn not_covered(host: &str) -> String {
    format!(
        "DNS names the MX host {host}, but the policy at the end of this plan does not: once enforced, no mail goes there \
         (R-MX-1, RFC 8461 §4.1). If it is yours, add it: --mx with all hosts; else take it out of DNS."
    )
}

fn step_text(number: usize, step: &Step) -> String {
    let title = format!("{number}. {} ({})\n", step.title, step.section);
    let detail = wrapped(&step.detail, "   ");
    let wait = step
        .wait
        .map(|wait| wrapped(&wait.describe(), "   "))
        .unwrap_or_default();
    format!("{title}{detail}{wait}\n")
}

fn step_json(step: &Step, is_now: bool) -> Value {
    json!({
        "kind": step.kind.as_str(),
        "title": step.title,
        "detail": step.detail,
        "section": step.section,
        "now": is_now,
        "wait": step.wait.map(|wait| json!({
            "kind": wait.as_str(), "seconds": wait.seconds(), "text": wait.describe(),
        })),
    })
}

/// Lines of at most 79 characters; a longer word stays whole.
fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = String::new();
    let mut line = indent.to_owned();
    for word in text.split_whitespace() {
        let is_begun = line.len() > indent.len();
        if is_begun && line.chars().count() + 1 + word.chars().count() > 79 {
            lines += &format!("{line}\n");
            line = indent.to_owned();
        }
        if line.len() > indent.len() {
            line.push(' ');
        }
        line += word;
    }
    lines + &line + "\n"
}
