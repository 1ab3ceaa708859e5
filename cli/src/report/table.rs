// SPDX-License-Identifier: MIT OR Apache-2.0

//! The totals as tables for a terminal, and as JSON.

use super::printable;
use super::totals::{Counts, Key, Totals, date};
use comfy_table::{Cell, CellAlignment, Table, TableComponent, presets};
use mtasts::tlsrpt::report::Summary;
use serde_json::{Value, json};

/// The characters of a name that are shown.
const WIDTH: usize = 50;

/// One line about how much there is.
fn headline(totals: &Totals) -> String {
    let count = |n: u64, what: &str| match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    };
    let mut line = count(totals.reports, "report");
    if let Some((first, last)) = totals.days() {
        let from = count(totals.organizations() as u64, "organisation");
        line += &format!(" from {from}, {}", date(first));
        if last != first {
            line += &format!(" to {}", date(last));
        }
    }
    if totals.duplicates > 0 {
        line += &format!("; {} left out", count(totals.duplicates, "duplicate"));
    }
    if totals.other_mails > 0 {
        line += &format!("; {} without a report", count(totals.other_mails, "mail"));
    }
    line
}

/// The tables: sessions, and failures if there are any.
pub fn text(totals: &Totals) -> String {
    let mut text = headline(totals) + "\n";
    if totals.policies.is_empty() {
        return text;
    }
    let mut sessions = table(
        &["Day", "Policy domain", "Policy", "Successful", "Failed"],
        3,
    );
    let mut failures = table(
        &[
            "Day",
            "Policy domain",
            "Policy",
            "MX host",
            "Failure",
            "Sessions",
        ],
        5,
    );
    for (key, counts) in &totals.policies {
        let Summary {
            total_successful_session_count: good,
            total_failure_session_count: bad,
        } = counts.summary;
        let [day, domain, policy] = named(key);
        sessions.add_row([&day, &domain, &policy, &good.to_string(), &bad.to_string()]);
        for (failure, count) in &counts.failures {
            let (mx, result) = (shown(&failure.mx_host), shown(&failure.result_type));
            failures.add_row([&day, &domain, &policy, &mx, &result, &count.to_string()]);
        }
    }
    let sum = totals.summary();
    let (good, bad) = (
        sum.total_successful_session_count,
        sum.total_failure_session_count,
    );
    sessions.add_row(["Total", "", "", &good.to_string(), &bad.to_string()]);
    for table in [sessions, failures]
        .into_iter()
        .filter(|table| table.row_count() > 0)
    {
        let lines = table.trim_fmt();
        text += &format!("\n{lines}\n");
    }
    text
}

fn named(key: &Key) -> [String; 3] {
    [date(key.day), shown(&key.domain), shown(&key.policy_type)]
}

fn shown(text: &str) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        printable(text, WIDTH)
    }
}

/// A table whose columns from `numbers` on are numbers.
fn table(header: &[&str], numbers: usize) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_style(TableComponent::HeaderLines, '─');
    table.set_style(TableComponent::MiddleHeaderIntersections, '─');
    table.set_header(header.iter().map(Cell::new));
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if at >= numbers {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// The same as JSON.
pub fn as_json(totals: &Totals, errors: &[(String, String)]) -> Value {
    let days = totals.days();
    let policies: Vec<_> = totals.policies.iter().map(policy).collect();
    let senders = totals.senders.iter().map(|((name, day), summary)| {
        json!({ "organization_name": name, "date": date(*day),
                "successful": summary.total_successful_session_count,
                "failed": summary.total_failure_session_count })
    });
    let errors = errors
        .iter()
        .map(|(file, error)| json!({ "file": file, "error": error }));
    let sum = totals.summary();
    json!({
        "reports": totals.reports,
        "duplicates": totals.duplicates,
        "mails_without_report": totals.other_mails,
        "first_date": days.map(|(first, _)| date(first)),
        "last_date": days.map(|(_, last)| date(last)),
        "successful": sum.total_successful_session_count,
        "failed": sum.total_failure_session_count,
        "policies": policies,
        "senders": senders.collect::<Vec<_>>(),
        "errors": errors.collect::<Vec<_>>(),
    })
}

fn policy((key, counts): (&Key, &Counts)) -> Value {
    let failures = counts.failures.iter().map(|(failure, count)| {
        let mx_host = Some(&failure.mx_host).filter(|host| !host.is_empty());
        json!({ "mx_host": mx_host, "result_type": failure.result_type, "sessions": count })
    });
    json!({
        "date": date(key.day),
        "policy_domain": key.domain,
        "policy_type": key.policy_type,
        "successful": counts.summary.total_successful_session_count,
        "failed": counts.summary.total_failure_session_count,
        "failures": failures.collect::<Vec<_>>(),
    })
}
