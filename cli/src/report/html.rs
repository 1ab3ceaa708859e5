// SPDX-License-Identifier: MIT OR Apache-2.0

//! The totals as one page: no script, nothing loaded, and a content security policy that holds it
//! to that, since its texts are of strangers.

use super::plot::{Plot, Series, escape, greatest};
use super::totals::{Counts, Failure, Key, Totals, date};
use mtasts::UnixTime;
use mtasts::tlsrpt::report::Summary;
use std::collections::BTreeMap;

const STYLE: &str = include_str!("style.css");

/// The style's SHA-256 in base64, so that the page may have this one and no other:
/// `openssl dgst -sha256 -binary cli/src/report/style.css | base64`. A test in a browser holds it.
const STYLE_HASH: &str = "9r/8yZnEDfmjUQ5tMbfrVnLJgZ6u87/OZliYKsmtq6k=";

/// The days that a plot has at most, the last ones.
const MAX_DAYS: usize = 366;

const DAY: u64 = 86_400;

type OverTime = BTreeMap<String, BTreeMap<UnixTime, u64>>;

/// The page; of `errors` files or reports nothing is told but their number.
pub fn page(totals: &Totals, errors: usize) -> String {
    let days = days(totals);
    let plot = |id, title, what, series| {
        let days = &days;
        Plot {
            id,
            title,
            what,
            days,
            series,
        }
        .section()
    };
    let plots = [
        plot("sessions", "Sessions by day", "Outcome", sessions(totals)),
        plot(
            "types",
            "Failures by type",
            "Failure",
            greatest(failures(totals, |failure| &failure.result_type)),
        ),
        plot(
            "hosts",
            "Failures by MX host",
            "MX host",
            greatest(failures(totals, |failure| &failure.mx_host)),
        ),
        plot(
            "senders",
            "Sessions by sender",
            "Organisation",
            greatest(senders(totals)),
        ),
    ];
    let (head, policies) = (head(totals, errors), policies(totals));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'sha256-{STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>TLS reports</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <main>\n{head}{}{policies}</main>\n</body>\n</html>\n",
        plots.concat()
    )
}

fn head(totals: &Totals, errors: usize) -> String {
    let Summary {
        total_successful_session_count: good,
        total_failure_session_count: bad,
    } = totals.summary();
    let (reports, senders) = (totals.reports, totals.organizations());
    let span = match totals.days() {
        Some((first, last)) => format!(" on {} to {}", date(first), date(last)),
        None => String::new(),
    };
    let unread = match errors {
        0 => String::new(),
        n => {
            format!("<p><strong>What could not be read: {n}.</strong> The command named it.</p>\n")
        }
    };
    format!(
        "<h1>TLS reports</h1>\n<p>Reports: {reports}{span}, from organisations: {senders}. \
         Sessions: {good} successful, {bad} failed.</p>\n{unread}"
    )
}

/// The days from the first to the last, those without reports too.
fn days(totals: &Totals) -> Vec<UnixTime> {
    let Some((first, last)) = totals.days() else {
        return Vec::new();
    };
    let all = (first.0 / DAY..=last.0 / DAY).rev();
    let mut days: Vec<_> = all.take(MAX_DAYS).map(|day| UnixTime(day * DAY)).collect();
    days.reverse();
    days
}

fn sessions(totals: &Totals) -> Vec<Series> {
    let series = |label: &str, count: fn(&Summary) -> u64| {
        let mut over_time = OverTime::new();
        for (key, counts) in &totals.policies {
            add(&mut over_time, label, key.day, count(&counts.summary));
        }
        let counts = over_time.remove(label).unwrap_or_default();
        Series {
            label: label.to_owned(),
            counts,
        }
    };
    if totals.policies.is_empty() {
        return Vec::new();
    }
    vec![
        series("successful", |summary| {
            summary.total_successful_session_count
        }),
        series("failed", |summary| summary.total_failure_session_count),
    ]
}

fn failures(totals: &Totals, label: fn(&Failure) -> &str) -> OverTime {
    let mut over_time = OverTime::new();
    for (key, counts) in &totals.policies {
        for (failure, count) in &counts.failures {
            add(&mut over_time, label(failure), key.day, *count);
        }
    }
    over_time
}

fn senders(totals: &Totals) -> OverTime {
    let mut over_time = OverTime::new();
    for ((name, day), summary) in &totals.senders {
        let sessions = summary.total_successful_session_count;
        add(
            &mut over_time,
            name,
            *day,
            sessions.saturating_add(summary.total_failure_session_count),
        );
    }
    over_time
}

fn add(over_time: &mut OverTime, label: &str, day: UnixTime, count: u64) {
    let label = if label.is_empty() { "not told" } else { label };
    let sum = over_time
        .entry(label.to_owned())
        .or_default()
        .entry(day)
        .or_default();
    *sum = sum.saturating_add(count);
}

/// All there is, in one table.
fn policies(totals: &Totals) -> String {
    let rows: String = totals.policies.iter().map(policy).collect();
    format!(
        "<section aria-labelledby=\"policies\"><h2 id=\"policies\">Policies</h2>\n\
         <div class=\"scroll\"><table><thead><tr><th scope=\"col\">Day</th>\
         <th scope=\"col\">Policy domain</th><th scope=\"col\">Policy</th>\
         <th scope=\"col\" class=\"n\">Successful</th><th scope=\"col\" class=\"n\">Failed</th>\
         <th scope=\"col\">Failures</th></tr></thead><tbody>\n{rows}</tbody></table></div></section>\n"
    )
}

fn policy((key, counts): (&Key, &Counts)) -> String {
    let failures = counts.failures.iter().map(|(failure, count)| {
        let (host, result) = (escape(&failure.mx_host), escape(&failure.result_type));
        format!("{count} {result} {host}").trim_end().to_owned()
    });
    format!(
        "<tr><th scope=\"row\" class=\"d\">{}</th><td>{}</td><td class=\"d\">{}</td><td class=\"n\">{}</td>\
         <td class=\"n\">{}</td><td>{}</td></tr>\n",
        date(key.day),
        escape(&key.domain),
        escape(&key.policy_type),
        counts.summary.total_successful_session_count,
        counts.summary.total_failure_session_count,
        failures.collect::<Vec<_>>().join("<br>")
    )
}
