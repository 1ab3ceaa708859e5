// SPDX-License-Identifier: MIT OR Apache-2.0

//! Policies as real domains publish them, where the corpus is at hand: beside the repository in
//! `../shared/corpus`, or in the folder that `MTASTS_SHARED` names. Each that is refused is held
//! in a table with the reason, so that neither a stricter nor a laxer parser goes unnoticed.

use mtasts::{ErrorKind, Policy, Position};
use std::{collections::BTreeMap, env, fs, path::PathBuf};

/// What is refused. The comments say what a person finds in the file.
const REFUSED: &[(&str, ErrorKind)] = &[
    ("034c59ad21a4.txt", ErrorKind::Field),          // comments
    ("0efb7fda1a58.txt", ErrorKind::Field),          // RTF
    ("251906a518ff.txt", ErrorKind::ByteOrderMark),  // byte order mark
    ("254106839b0c.txt", ErrorKind::MxMissing),      // mx: ://google.com
    ("2f704563c3f6.txt", ErrorKind::Mode),           // [testing]
    ("3ef81fd1d978.txt", ErrorKind::MaxAge),         // a comment after the number
    ("405e08e60f02.txt", ErrorKind::Field),          // comments
    ("42c40c52a77b.txt", ErrorKind::MaxAge),         // 604,800
    ("4ce943b39827.txt", ErrorKind::Field),          // front matter of a site generator
    ("4ecd55899776.txt", ErrorKind::MxMissing),      // the only mx has an underscore
    ("5a1cf5c53cec.txt", ErrorKind::Mode),           // enforced
    ("5bd46407f308.txt", ErrorKind::Field),          // front matter
    ("6cba4c284c1e.txt", ErrorKind::FieldName),      // indented lines
    ("6e4324e9ed7e.txt", ErrorKind::FieldName),      // indented lines
    ("6ebde4fcfdc0.txt", ErrorKind::Field),          // comments
    ("7286e44f359f.txt", ErrorKind::MxMissing),      // mx: <yourdomain>...
    ("7349418a53a3.txt", ErrorKind::Field),          // front matter
    ("75cd7a7d4519.txt", ErrorKind::ByteOrderMark),  // byte order mark
    ("76a856426940.txt", ErrorKind::ByteOrderMark),  // byte order mark
    ("7eb70257593d.txt", ErrorKind::VersionMissing), // a line end alone
    ("804f23604e50.txt", ErrorKind::MxMissing),      // two hosts in the only mx
    ("8160aa93e34f.txt", ErrorKind::ByteOrderMark),  // byte order mark
    ("87428fc52280.txt", ErrorKind::Field),          // "a"
    ("909e27bc4253.txt", ErrorKind::Mode),           // [testing]
    ("9d992e0817cf.txt", ErrorKind::Field),          // "npm" in the last line
    ("a091cc4720e7.txt", ErrorKind::Field),          // front matter
    ("cdc312dfa5ba.txt", ErrorKind::Field),          // a comment in the last line
    ("d0613f6d1f13.txt", ErrorKind::ByteOrderMark),  // byte order mark
    ("d2c83c83390c.txt", ErrorKind::Utf8),           // UTF-16
    ("dd6e09d685f7.txt", ErrorKind::Field),          // front matter
    ("e9c9263fd922.txt", ErrorKind::Mode),           // [testing]
    ("eeaf9d88789c.txt", ErrorKind::Field),          // front matter
    ("f7aba48d07a7.txt", ErrorKind::Field),          // RTF
];

fn corpus() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let shared = env::var_os("MTASTS_SHARED").map_or(PathBuf::from(beside), PathBuf::from);
    Some(shared.join("corpus")).filter(|corpus| corpus.join("index.tsv").is_file())
}

#[test]
fn are_refused_for_known_reasons_only() {
    let Some(corpus) = corpus() else {
        eprintln!("skipped: there is no corpus of published policies here");
        return;
    };
    let index = fs::read_to_string(corpus.join("index.tsv")).unwrap();
    let mut refused = BTreeMap::new();
    let mut count = 0;
    for line in index.lines().skip(1) {
        let mut columns = line.split('\t');
        let (file, kind) = (columns.next().unwrap(), columns.next().unwrap());
        let body = fs::read(corpus.join(file)).unwrap();
        count += 1;
        if let Err(error) = Policy::parse(&body) {
            let Position { line, column } = Position::of(&body, error.offset());
            println!("{file} ({kind}) {line}:{column}: {error}");
            refused.insert(file.to_owned(), error.kind());
        }
    }
    let expected: BTreeMap<_, _> = REFUSED
        .iter()
        .map(|(file, kind)| ((*file).to_owned(), *kind))
        .collect();
    assert_eq!(refused, expected);
    assert!(count > refused.len());
}
