// SPDX-License-Identifier: MIT OR Apache-2.0

//! What people read: a line first that monitoring understands, tables, and the findings.

use super::facts::{
    CertificateFacts, Facts, Mail, MxAddress, MxHost, Policy, Presence, Session, State, Txt,
    certificate_word, dane_word, shown,
};
use super::finding::{Finding, Severity};
use super::judge::{Report, Status};
use super::style;
use comfy_table::{CellAlignment, Table};
use mtasts::{Certificate, Dane, Mode};

/// `MTA-STS OK - example.com: …`, without colours.
pub fn headline(report: &Report) -> String {
    let status = report.status.as_str();
    format!(
        "MTA-STS {status} - {}: {}",
        report.facts.domain,
        gist(report)
    )
}

/// The worst finding, or that all is well.
fn gist(report: &Report) -> String {
    let worst = report
        .findings
        .iter()
        .filter(|finding| finding.severity > Severity::Notice);
    let mut worst = worst.peekable();
    let Some(first) = worst.next() else {
        return fine(&report.facts);
    };
    let message = first.message.lines().next().unwrap_or_default();
    let more = match worst.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    match first.subject == report.facts.domain {
        true => format!("{message}{more}"),
        false => format!("{}: {message}{more}", first.subject),
    }
}

fn fine(facts: &Facts) -> String {
    let mode = facts
        .policy
        .mode
        .map_or("no policy".to_owned(), |mode| format!("mode {mode}"));
    let hosts = &facts.mx.hosts;
    let mx = match facts.mx.state {
        Presence::Null => "takes no mail".to_owned(),
        _ => format!("{} of {} MX hosts good", good_hosts(facts), hosts.len()),
    };
    match days_left(facts) {
        Some(days) => format!("{mode}, {mx}, certificates for {days} days"),
        None => format!("{mode}, {mx}"),
    }
}

/// How many MX hosts are good.
pub fn good_hosts(facts: &Facts) -> usize {
    facts.mx.hosts.iter().filter(|host| host.is_good()).count()
}

/// The days until the first of the certificates ends.
pub fn days_left(facts: &Facts) -> Option<i64> {
    let hosts = facts.mx.hosts.iter().flat_map(|host| &host.addresses);
    let sessions = hosts
        .map(|address| &address.session)
        .chain(&facts.policy_host.addresses);
    sessions
        .filter_map(|session| Some(session.certificate.as_ref()?.days_left))
        .min()
}

/// Everything about one domain.
pub fn one(report: &Report) -> String {
    let headline = begun(report.status, &headline(report));
    let mut text = format!("{headline}\n\n{}\n", overview(&report.facts));
    if !report.facts.mx.hosts.is_empty() {
        text += &format!("\n{}\n", mx_table(&report.facts.mx));
    }
    text + &findings(&report.findings)
}

/// The line with its beginning, up to the status, in colour.
fn begun(status: Status, line: &str) -> String {
    match line.split_once(" - ") {
        Some((start, rest)) => format!("{} - {rest}", style::status(status, start)),
        None => line.to_owned(),
    }
}

fn overview(facts: &Facts) -> String {
    let mut table = style::table();
    let record = record(&facts.record.txt);
    table.add_row(["record", &record]);
    if let Some(line) = alias(&facts.record.txt.name, &facts.record.txt.cname) {
        table.add_row(["", &line]);
    }
    let host = &facts.policy_host;
    if let Some(line) = alias(&host.host, &host.cname) {
        table.add_row(["policy host", &line]);
    }
    for session in &host.addresses {
        table.add_row([
            "policy host",
            &format!("{} {}", host.host, policy_session(session)),
        ]);
    }
    if host.addresses.is_empty() {
        let what = presence(host.state, "no address");
        table.add_row(["policy host", &format!("{} {what}", host.host)]);
    }
    table.add_row(["policy", &policy(&facts.policy)]);
    table.add_row(["TLSRPT", &record_of_tlsrpt(facts)]);
    if facts.mx.hosts.is_empty() {
        table.add_row(["MX", &presence(facts.mx.state, "no MX records")]);
    }
    narrow(&mut table);
    table.trim_fmt()
}

/// Two blanks between columns, none before the first.
fn narrow(table: &mut Table) {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
}

fn record(txt: &Txt) -> String {
    match txt.state {
        Presence::Found => {
            let ours = txt
                .records
                .iter()
                .find(|record| record.starts_with("v=STSv1"));
            let text = ours.map(String::as_str).unwrap_or_default();
            format!("{} {text}", style::good("found"))
        }
        state => presence(state, "no record"),
    }
}

fn record_of_tlsrpt(facts: &Facts) -> String {
    match facts.tlsrpt.txt.state {
        Presence::Found => {
            format!("{} {}", style::good("found"), facts.tlsrpt.rua.join(" "))
        }
        Presence::None => "none".to_owned(),
        state => presence(state, "none"),
    }
}

fn presence(state: Presence, none: &str) -> String {
    match state {
        Presence::Found | Presence::Implicit => style::good("found"),
        Presence::None => style::doubtful(none),
        Presence::Null => "null MX: the domain takes no mail".to_owned(),
        Presence::Unknown => style::doubtful("cannot be looked up for now"),
        other => style::bad(other.as_str()),
    }
}

fn alias(name: &str, cname: &[String]) -> Option<String> {
    if cname.is_empty() {
        return None;
    }
    let names: Vec<_> = cname.iter().map(|name| shown(name.as_bytes())).collect();
    Some(format!("{name} is an alias of {}", names.join(" -> ")))
}

fn policy_session(session: &Session) -> String {
    let tls = session.tls_version.unwrap_or_default();
    match &session.certificate {
        Some(certificate) => {
            let (word, days) = (verdict(certificate), certificate.days_left);
            format!(
                "{} {tls}, certificate {word}, {days} days left",
                session.address
            )
        }
        None => {
            let error = session.error.as_deref().unwrap_or_default();
            format!("{} {}", session.address, fault(session.state, error))
        }
    }
}

fn fault(state: State, text: &str) -> String {
    match state.is_known() {
        true => style::bad(text),
        false => style::doubtful(text),
    }
}

fn verdict(certificate: &CertificateFacts) -> String {
    let word = certificate_word(certificate.verdict);
    match certificate.verdict {
        Certificate::Valid => style::good(word),
        Certificate::Expired if certificate.is_early => style::bad("not yet valid"),
        _ => style::bad(word),
    }
}

fn policy(policy: &Policy) -> String {
    let Some(mode) = policy.mode else {
        let reason = policy.reason.as_deref().unwrap_or_default();
        return match &policy.error {
            Some(at) => style::bad(&format!("broken at line {}, column {}", at.line, at.column)),
            None => style::doubtful(&format!("none ({reason})")),
        };
    };
    let word = match mode {
        Mode::Enforce => style::good("enforce"),
        mode => style::doubtful(mode.as_str()),
    };
    let mx = policy.mx.join(" ");
    let age = max_age(policy.max_age.unwrap_or_default());
    let force = match policy.in_force {
        true => String::new(),
        false => style::bad(" (no valid record announces it)"),
    };
    format!("mode {word}, max_age {age}, mx {mx}{force}")
}

fn max_age(seconds: u32) -> String {
    match (seconds / 86_400, seconds / 3600) {
        (0, 0 | 1) => seconds.to_string(),
        (0 | 1, hours) => format!("{seconds} ({hours} hours)"),
        (days, _) => format!("{seconds} ({days} days)"),
    }
}

/// A line for each address.
fn mx_table(mail: &Mail) -> String {
    let mut table = style::table();
    let has_dane = mail.hosts.iter().any(|host| host.dane.is_some());
    let mut header = vec!["MX host", "listed", "address", "TLS", "certificate", "days"];
    if has_dane {
        header.push("DANE");
    }
    table.set_header(header);
    for host in &mail.hosts {
        for row in rows(mail, host, has_dane) {
            table.add_row(row);
        }
    }
    if let Some(days) = table.column_mut(5) {
        days.set_cell_alignment(CellAlignment::Right);
    }
    narrow(&mut table);
    table.trim_fmt()
}

fn rows(mail: &Mail, host: &MxHost, has_dane: bool) -> Vec<Vec<String>> {
    let name = match mail.state {
        Presence::Implicit => format!("(no MX) {}", host.host),
        _ => format!("{} {}", host.preference, shown(host.host.as_bytes())),
    };
    let listed = match host.listed {
        Some(true) => style::good("yes"),
        Some(false) => style::bad("no"),
        None => "-".to_owned(),
    };
    let start = |cells: [String; 4]| {
        let mut row = vec![name.clone(), listed.clone()];
        row.extend(cells);
        row
    };
    let mut rows: Vec<_> = host
        .addresses
        .iter()
        .map(|address| start(cells(address)))
        .collect();
    if rows.is_empty() {
        let what = presence(host.state, "none");
        rows.push(start([
            what,
            "-".to_owned(),
            "-".to_owned(),
            "-".to_owned(),
        ]));
    }
    if has_dane {
        let of_address = host.addresses.iter().map(|address| address.dane);
        let dane = of_address.chain(std::iter::repeat(host.dane));
        rows.iter_mut()
            .zip(dane)
            .for_each(|(row, dane)| row.push(of_dane(dane)));
    }
    rows
}

/// Address, TLS, certificate, days.
fn cells(address: &MxAddress) -> [String; 4] {
    let session = &address.session;
    let none = || "-".to_owned();
    let (certificate, days) = match &session.certificate {
        Some(certificate) => (verdict(certificate), certificate.days_left.to_string()),
        None => (none(), none()),
    };
    let tls = match session.state {
        State::Tls => session.tls_version.unwrap_or_default().to_owned(),
        state => fault(state, state_word(state)),
    };
    [session.address.to_string(), tls, certificate, days]
}

const fn state_word(state: State) -> &'static str {
    match state {
        State::Tls => "TLS",
        State::TlsFailed => "fails",
        State::StarttlsNotOffered => "no STARTTLS",
        State::StarttlsRefused => "refused",
        State::NotSmtp => "not SMTP",
        State::Closed => "closed",
        State::Rejected => "rejected",
        State::TimedOut => "time-out",
        State::NoRoute => "no route",
        State::NotGlobal => "not global",
        State::Local => "not tried",
    }
}

fn of_dane(dane: Option<Dane>) -> String {
    match dane {
        Some(Dane::Passed) => style::good(dane_word(Dane::Passed)),
        Some(Dane::NotUsed) | None => "none".to_owned(),
        Some(dane @ (Dane::Failed | Dane::LookupFailed)) => style::bad(dane_word(dane)),
        Some(dane) => dane_word(dane).to_owned(),
    }
}

/// All findings, with what to do. Lines to publish are left whole, so that they can be copied.
fn findings(findings: &[Finding]) -> String {
    let mut text = String::new();
    let mut explained = Vec::new();
    for finding in findings {
        let word = style::severe(finding.severity, finding.severity.as_str());
        text += &format!(
            "\n{word}  {}: {}{}\n",
            finding.id,
            finding.subject,
            place(finding)
        );
        text += &style::wrapped(&finding.message);
        let Finding {
            why,
            requirement,
            rfc,
            ..
        } = finding;
        if !explained.contains(&finding.id) {
            explained.push(finding.id);
            text += &style::wrapped(&format!("why: {why} ({requirement}, {rfc})"));
        }
        match &finding.instead {
            Some(lines) if lines.contains('\n') => {
                text += &format!("  instead:\n    {}\n", lines.replace('\n', "\n    "));
            }
            Some(line) => text += &format!("  instead: {line}\n"),
            None => {}
        }
    }
    text
}

fn place(finding: &Finding) -> String {
    match (finding.line, finding.column) {
        (Some(line), Some(column)) => format!(", line {line}, column {column}"),
        (None, Some(column)) => format!(", column {column}"),
        _ => String::new(),
    }
}

/// `MTA-STS WARNING - 200 domains: 190 ok, …`.
pub fn total(reports: &[Report]) -> String {
    let worst = reports.iter().map(|report| report.status.severity()).max();
    let count = |status| {
        reports
            .iter()
            .filter(|report| report.status == status)
            .count()
    };
    let status = Status::from(worst).as_str();
    format!(
        "MTA-STS {status} - {} domains: {} ok, {} warning, {} critical, {} unknown",
        reports.len(),
        count(Status::Ok),
        count(Status::Warning),
        count(Status::Critical),
        count(Status::Unknown)
    )
}

/// A line for each domain.
pub fn many(reports: &[Report]) -> String {
    let mut table = style::table();
    table.set_header([
        "domain",
        "status",
        "mode",
        "MX",
        "days",
        "TLSRPT",
        "worst finding",
    ]);
    for report in reports {
        let facts = &report.facts;
        let worst = report.findings.first();
        let worst = worst.filter(|finding| finding.severity > Severity::Notice);
        table.add_row([
            facts.domain.clone(),
            style::status(report.status, report.status.as_str()),
            facts.policy.mode.map_or("-", Mode::as_str).to_owned(),
            format!("{}/{}", good_hosts(facts), facts.mx.hosts.len()),
            days_left(facts).map_or("-".to_owned(), |days| days.to_string()),
            match facts.tlsrpt.txt.state {
                Presence::Found => "yes".to_owned(),
                state => state.as_str().to_owned(),
            },
            worst.map_or(String::new(), |finding| finding.id.to_owned()),
        ]);
    }
    if let Some(days) = table.column_mut(4) {
        days.set_cell_alignment(CellAlignment::Right);
    }
    narrow(&mut table);
    let worst = reports.iter().map(|report| report.status.severity()).max();
    let headline = begun(Status::from(worst), &total(reports));
    format!("{headline}\n\n{}\n", table.trim_fmt())
}
