// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts serve` as mail servers use it.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod serve_world;

use mtasts_lab::Lab;
use serve_world::Server;

const SCENE: &str = r#"
[[domain]]
name = "good.example"
id = "1"
policy = "enforce"
mx = ["mx.good.example"]

[[domain]]
name = "testing.example"
id = "1"
policy = "testing"
"#;

#[test]
fn postfix_is_told_to_verify_where_a_policy_is_enforced() {
    let lab = Lab::start(SCENE).unwrap();
    let server = Server::start(&lab, "", "");
    let secure = "OK secure match=mx.good.example servername=hostname";
    assert_eq!(server.ask("postfix good.example"), secure);
    assert_eq!(server.ask("postfix [GOOD.example]:25"), secure);
    assert_eq!(server.ask("postfix testing.example"), "NOTFOUND ");
    assert_eq!(server.ask("postfix .good.example"), "NOTFOUND ");
}
