// SPDX-License-Identifier: MIT OR Apache-2.0

//! Several surfaces side by side: a table of surface and vector file, and where two differ.

use crate::json::Stop;
use crate::recorder::{Recorder, Said};
use crate::{Named, Tally, check};
use serde_json::Value;
use std::collections::BTreeMap;

/// Surfaces, with what came of each file, and how often two said different things.
pub struct Comparison {
    surfaces: Vec<Named>,
    files: BTreeMap<String, Vec<Tally>>,
    differences: usize,
}

impl Comparison {
    pub fn new(surfaces: Vec<Named>) -> Self {
        let (files, differences) = (BTreeMap::new(), 0);
        Self {
            surfaces,
            files,
            differences,
        }
    }

    /// Runs a case through each surface.
    pub fn run(&mut self, file: &str, case: &Value) {
        let empty = || self.surfaces.iter().map(|_| Tally::default()).collect();
        let tallies = self.files.entry(file.to_owned()).or_insert_with(empty);
        let mut told = Vec::new();
        for ((name, surface), tally) in self.surfaces.iter_mut().zip(tallies) {
            let mut recorder = Recorder::new(surface.as_mut());
            let result = check(file, case, &mut recorder);
            told.push((
                name.clone(),
                recorder.said,
                matches!(result, Err(Stop::Skipped(_))),
            ));
            tally.count(&format!("{name}: {file}"), case, result);
        }
        self.differences += differences(file, case, &told);
    }

    /// Prints the table, and gives the number of failures and differences.
    pub fn report(&self) -> usize {
        println!("\npassed/failed/skipped");
        let names = self.surfaces.iter().map(|(name, _)| name.as_str());
        print_row("", names);
        let mut sums: Vec<Tally> = self.surfaces.iter().map(|_| Tally::default()).collect();
        for (file, tallies) in &self.files {
            print_row(file, tallies.iter().map(Tally::to_string));
            for (sum, tally) in sums.iter_mut().zip(tallies) {
                sum.add(tally);
            }
        }
        print_row("all", sums.iter().map(Tally::to_string));
        let count = self.differences;
        println!("{count} differences between surfaces");
        let total = sums.iter().fold(Tally::default(), |mut total, tally| {
            total.add(tally);
            total
        });
        total.print();
        total.failed + count
    }
}

fn print_row(name: &str, cells: impl Iterator<Item = impl AsRef<str>>) {
    print!("{name:<20}");
    for cell in cells {
        print!(" {:>12}", cell.as_ref());
    }
    println!();
}

/// A surface, what it has said, and whether it stopped because it cannot say more.
type Told = (String, Vec<Said>, bool);

/// Prints where a surface says something else than the first one.
fn differences(file: &str, case: &Value, told: &[Told]) -> usize {
    let id = case.get("id").and_then(Value::as_str).unwrap_or("?");
    let Some(((first, reference, first_stopped), others)) = told.split_first() else {
        return 0;
    };
    let mut count = 0;
    for (name, said, stopped) in others {
        let mut pairs = reference.iter().zip(said);
        let difference = pairs.find_map(|(a, b)| a.difference(b));
        let is_shorter = said.len() != reference.len() && !stopped && !first_stopped;
        let shorter = || "one says more than the other".to_owned();
        if let Some(difference) = difference.or_else(|| is_shorter.then(shorter)) {
            println!("DIFFERENT {file} {id}: {first} and {name}: {difference}");
            count += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rust::Rust;
    use crate::surface::*;

    /// The crate, but for one word in what it warns of.
    #[derive(Default)]
    struct Other(Rust, &'static str);

    impl Surface for Other {
        fn report(&mut self, _: &[u8]) -> Answer<Result<String, Refusal>> {
            Err(Stop::skipped("unsupported"))
        }

        fn mail(&mut self, _: &[u8]) -> Answer<bool> {
            Err(Stop::skipped("unsupported"))
        }

        fn fact(&mut self, _: &str, _: &str) -> Answer<String> {
            Err(Stop::skipped("unsupported"))
        }

        fn policy(&mut self, body: &[u8]) -> Answer<Result<PolicyFacts, Refusal>> {
            let mut answer = self.0.policy(body)?;
            if let Ok(policy) = &mut answer {
                for warning in &mut policy.warnings {
                    warning.kind = self.1.to_owned();
                }
            }
            Ok(answer)
        }
        fn record(&mut self, _: &[TxtRecord]) -> Answer<Result<String, Refusal>> {
            Err(Stop::skipped("it cannot"))
        }
        fn tlsrpt(&mut self, _: &[TxtRecord]) -> Answer<Result<Vec<String>, Refusal>> {
            Err(Stop::skipped("it cannot"))
        }
        fn matches(&mut self, _: &[u8], _: &str) -> Answer<bool> {
            Ok(false)
        }
        fn certificate(&mut self, _: &[u8], _: &str) -> Answer<bool> {
            Err(Stop::skipped("it cannot"))
        }
        fn lookup(
            &mut self,
            _: &str,
            _: Store<'_>,
            _: &[(String, u64)],
            _: u64,
        ) -> Answer<Result<(), String>> {
            Err(Stop::skipped("it cannot"))
        }
        fn poll(&mut self) -> Answer<Step> {
            Err(Stop::skipped("it cannot"))
        }
        fn txt(&mut self, _: u32, _: u64, _: &TxtReply) -> Answer<Result<(), String>> {
            Err(Stop::skipped("it cannot"))
        }
        fn https(&mut self, _: u32, _: u64, _: &HttpsReply) -> Answer<Result<(), String>> {
            Err(Stop::skipped("it cannot"))
        }
        fn outcome(&mut self) -> Answer<OutcomeFacts> {
            Err(Stop::skipped("it cannot"))
        }
        fn stored(&mut self) -> Answer<String> {
            Err(Stop::skipped("it cannot"))
        }
        fn verdict(&mut self, _: &SessionFacts) -> Answer<VerdictFacts> {
            Err(Stop::skipped("it cannot"))
        }
        fn again(&mut self) -> Answer<()> {
            Err(Stop::skipped("it cannot"))
        }
        fn postfix(&mut self, _: &str, _: &str, _: Option<&str>) -> Answer<PostfixFacts> {
            Err(Stop::skipped("it cannot"))
        }
        fn next_hop(&mut self, _: &str) -> Answer<Option<String>> {
            Err(Stop::skipped("it cannot"))
        }
        fn netstrings(&mut self, _: &[u8], _: u64) -> Answer<NetstringFacts> {
            Err(Stop::skipped("it cannot"))
        }
        fn framed(&mut self, _: &[u8]) -> Answer<Vec<u8>> {
            Err(Stop::skipped("it cannot"))
        }
    }

    /// What `word` as the kind of each warning comes to, in cases that ask for no warning.
    fn found(word: &'static str, file: &str, case: &str) -> usize {
        let surfaces: [Named; 2] = [
            ("rust".to_owned(), Box::new(Rust::default())),
            ("other".to_owned(), Box::new(Other(Rust::default(), word))),
        ];
        let mut comparison = Comparison::new(surfaces.into());
        let case: Value = serde_json::from_str(case).unwrap();
        comparison.run(file, &case);
        comparison.differences
    }

    const POLICY: &str =
        r#"{"body": "version: STSv1\nmode: none\n\nmax_age: 1\n", "rfc": {"valid": true}}"#;
    const RECORD: &str = r#"{"txt_records": [["v=STSv1; id=1;"]], "rfc": {"usable": true}}"#;
    const MATCH: &str =
        r#"{"mx_host": "a.example", "patterns": ["a.example"], "rfc": {"match": true}}"#;

    #[test]
    fn what_no_vector_asks_for_is_compared() {
        assert_eq!(found("blank-line", "sts_policy", POLICY), 0);
        assert_eq!(found("mx-list", "sts_policy", POLICY), 1);
        assert_eq!(found("other", "mx_match", MATCH), 1);
    }

    #[test]
    fn what_is_not_said_is_no_difference() {
        assert_eq!(found("*", "sts_policy", POLICY), 0);
        assert_eq!(found("other", "sts_txt", RECORD), 0);
    }
}
