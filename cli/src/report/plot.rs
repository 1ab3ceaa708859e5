// SPDX-License-Identifier: MIT OR Apache-2.0

//! Counts over days as stacked bars: an SVG picture, a table that is its legend, and the numbers
//! behind it. All text comes from reports, so all of it is escaped here.

use super::printable;
use super::totals::date;
use mtasts::UnixTime;
use std::collections::BTreeMap;
use std::fmt::Write;

/// How many series have a colour of their own; the last is for all others.
const SERIES: usize = 7;

/// The picture's size, and the place of the bars in it.
const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 232.0;

/// What is counted of one kind, day by day.
pub struct Series {
    pub label: String,
    pub counts: BTreeMap<UnixTime, u64>,
}

/// A plot.
pub struct Plot<'a> {
    pub id: &'a str,
    pub title: &'a str,
    /// What a series is: the head of the legend's column.
    pub what: &'a str,
    pub days: &'a [UnixTime],
    pub series: Vec<Series>,
}

/// `text` within HTML, in an element or in an attribute's quotes.
pub fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in printable(text, 120).chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            c => escaped.push(c),
        }
    }
    escaped
}

/// The greatest first, and those that are too many as one.
pub fn greatest(all: BTreeMap<String, BTreeMap<UnixTime, u64>>) -> Vec<Series> {
    let series = |(label, counts)| Series { label, counts };
    let mut all: Vec<_> = all.into_iter().map(series).collect();
    all.sort_by_key(|series| std::cmp::Reverse(series.sum()));
    if all.len() > SERIES {
        let rest = all.split_off(SERIES - 1);
        let mut others = Series {
            label: format!("{} others", rest.len()),
            counts: BTreeMap::new(),
        };
        for (day, count) in rest.into_iter().flat_map(|series| series.counts) {
            let sum = others.counts.entry(day).or_default();
            *sum = sum.saturating_add(count);
        }
        all.push(others);
    }
    all
}

impl Series {
    fn on(&self, day: UnixTime) -> u64 {
        self.counts.get(&day).copied().unwrap_or_default()
    }

    fn sum(&self) -> u64 {
        self.counts
            .values()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }
}

impl Plot<'_> {
    /// The section with all of it.
    pub fn section(&self) -> String {
        let Self { id, title, .. } = self;
        let (id, title) = (escape(id), escape(title));
        if self.series.is_empty() {
            return format!("<section><h2>{title}</h2><p>None.</p></section>\n");
        }
        let (picture, legend, numbers) = (self.picture(), self.legend(), self.numbers());
        format!(
            "<section aria-labelledby=\"{id}\"><h2 id=\"{id}\">{title}</h2>\n{picture}{legend}\
             <details><summary>Day by day</summary>{numbers}</details></section>\n"
        )
    }

    fn picture(&self) -> String {
        let step = step(self.highest());
        let steps = self.highest().div_ceil(step).max(1);
        let scale = (BOTTOM - TOP) / (step.saturating_mul(steps) as f64);
        let title = escape(self.title);
        let (first, last) = self.ends();
        let mut svg = format!(
            "<svg role=\"img\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             aria-label=\"{title}, from {first} to {last}; the numbers are in the tables below\">\n"
        );
        for n in 0..=steps {
            let value = n.saturating_mul(step);
            let y = BOTTOM - value as f64 * scale;
            let _ = writeln!(
                svg,
                "<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"gray\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 8.0,
                y + 4.0,
                short(value)
            );
        }
        for (n, day) in self.days.iter().enumerate() {
            self.bar(&mut svg, n, *day, scale);
        }
        svg + "</svg>\n"
    }

    /// One day's bar, and its date where there is room.
    fn bar(&self, svg: &mut String, n: usize, day: UnixTime, scale: f64) {
        let space = (WIDTH - LEFT) / self.days.len().max(1) as f64;
        let width = (space * 0.8).min(48.0);
        let middle = LEFT + space * (n as f64 + 0.5);
        let mut y = BOTTOM;
        for (at, series) in self.series.iter().enumerate() {
            let count = series.on(day);
            let height = count as f64 * scale;
            y -= height;
            if count > 0 {
                let (label, date) = (escape(&series.label), date(day));
                let _ = writeln!(
                    svg,
                    "<rect class=\"s{at}\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
                     height=\"{height:.1}\"><title>{date}, {label}: {count}</title></rect>",
                    middle - width / 2.0
                );
            }
        }
        let every = self.days.len().div_ceil(8).max(1);
        if n.is_multiple_of(every) {
            let _ = writeln!(
                svg,
                "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                BOTTOM + 20.0,
                date(day)
            );
        }
    }

    /// The most that any day has.
    fn highest(&self) -> u64 {
        let sum = |day| {
            self.series
                .iter()
                .fold(0_u64, |sum, series| sum.saturating_add(series.on(day)))
        };
        self.days
            .iter()
            .map(|day| sum(*day))
            .max()
            .unwrap_or_default()
    }

    fn ends(&self) -> (String, String) {
        let text = |day: Option<&UnixTime>| day.map(|day| date(*day)).unwrap_or_default();
        (text(self.days.first()), text(self.days.last()))
    }

    fn legend(&self) -> String {
        let rows = self.series.iter().enumerate().map(|(at, series)| {
            let (label, sum) = (escape(&series.label), series.sum());
            format!(
                "<tr><th scope=\"row\"><i class=\"s{at}\"></i>{label}</th><td class=\"n\">{sum}</td></tr>\n"
            )
        });
        format!(
            "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">{}</th>\
             <th scope=\"col\" class=\"n\">Sessions</th></tr></thead><tbody>\n{}</tbody></table></div>\n",
            escape(self.what),
            rows.collect::<String>()
        )
    }

    fn numbers(&self) -> String {
        let head = self.series.iter().map(|series| {
            format!(
                "<th scope=\"col\" class=\"n\">{}</th>",
                escape(&series.label)
            )
        });
        let rows = self.days.iter().map(|day| {
            let cells = self
                .series
                .iter()
                .map(|series| format!("<td class=\"n\">{}</td>", series.on(*day)));
            let (date, cells) = (date(*day), cells.collect::<String>());
            format!("<tr><th scope=\"row\" class=\"d\">{date}</th>{cells}</tr>\n")
        });
        format!(
            "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Day</th>{}</tr></thead>\
             <tbody>\n{}</tbody></table></div>",
            head.collect::<String>(),
            rows.collect::<String>()
        )
    }
}

/// The distance of the lines, of which there are at most five: 1, 2 or 5 and zeros.
fn step(highest: u64) -> u64 {
    let steps = [1, 2, 5].into_iter().cycle();
    let tens = (0..19).flat_map(|n| [10_u64.pow(n); 3]);
    let mut fitting = steps.zip(tens).map(|(step, ten)| ten.saturating_mul(step));
    fitting
        .find(|step| highest.div_ceil(*step) <= 5)
        .unwrap_or(u64::MAX)
}

/// 12k for 12000.
fn short(value: u64) -> String {
    let units = [
        (1_000_000_000_000, "T"),
        (1_000_000_000, "G"),
        (1_000_000, "M"),
        (1_000, "k"),
    ];
    match units
        .iter()
        .find(|(unit, _)| value >= *unit && value.is_multiple_of(unit / 10))
    {
        Some((unit, sign)) if value.is_multiple_of(*unit) => format!("{}{sign}", value / unit),
        Some((unit, sign)) => format!("{}.{}{sign}", value / unit, value % unit * 10 / unit),
        None => value.to_string(),
    }
}
