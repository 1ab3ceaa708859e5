// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the server counts, for `/metrics` in the text format of OpenMetrics, which Prometheus
//! reads.

use super::config::Kind;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// The label of the content type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics. Counting is an atomic addition.
#[derive(Debug)]
pub struct Metrics {
    queries: Family<Query, Counter>,
    questions: Family<Question, Counter>,
    question_seconds: Family<Asked, Histogram, fn() -> Histogram>,
    pub connections: Gauge,
    pub domains: Gauge,
    pub local_policies: Gauge,
    pub policy_changes: Counter,
    pub policies_expired: Counter,
    pub refresh_failures: Counter,
    pub reload_failures: Counter,
    pub store_errors: Counter,
    pub store_up: Gauge,
    pub store_waiting: Gauge,
    registry: Registry,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Query {
    listener: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Question {
    question: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    question: &'static str,
}

/// The counters of one listener.
#[derive(Clone, Debug)]
pub struct Queries {
    pub policy: Counter,
    pub no_policy: Counter,
    pub temporary: Counter,
    pub malformed: Counter,
}

impl Metrics {
    pub fn new() -> Self {
        let mut metrics = Self {
            queries: Family::default(),
            questions: Family::default(),
            question_seconds: Family::new_with_constructor(seconds),
            connections: Gauge::default(),
            domains: Gauge::default(),
            local_policies: Gauge::default(),
            policy_changes: Counter::default(),
            policies_expired: Counter::default(),
            refresh_failures: Counter::default(),
            reload_failures: Counter::default(),
            store_errors: Counter::default(),
            store_up: Gauge::default(),
            store_waiting: Gauge::default(),
            registry: Registry::with_prefix("mtasts"),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let to = &mut self.registry;
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        to.register("build", "The version of this server", build);
        let help = "Queries answered, by listener and result";
        to.register("queries", help, self.queries.clone());
        let help = "Questions to the network and the store, by kind and result";
        to.register("questions", help, self.questions.clone());
        let (help, unit) = ("How long these questions took", Unit::Seconds);
        to.register_with_unit(
            "question_duration",
            help,
            unit,
            self.question_seconds.clone(),
        );
        to.register("connections", "Open connections", self.connections.clone());
        to.register(
            "domains",
            "Domains in memory, with a policy or without",
            self.domains.clone(),
        );
        to.register(
            "local_policies",
            "The operator's own policies",
            self.local_policies.clone(),
        );
        to.register(
            "policy_changes",
            "Policies replaced by another",
            self.policy_changes.clone(),
        );
        let help = "Policies that expired although they were asked for: not protected any more";
        to.register("policies_expired", help, self.policies_expired.clone());
        to.register(
            "refresh_failures",
            "Refreshes that failed",
            self.refresh_failures.clone(),
        );
        let help = "Reloads of the configuration or the local policies that were refused";
        to.register("reload_failures", help, self.reload_failures.clone());
        to.register(
            "store_errors",
            "Writes and reads that failed",
            self.store_errors.clone(),
        );
        let help = "Whether the store took the last write and answered the last read";
        to.register("store_up", help, self.store_up.clone());
        let help = "Domains whose entries wait to be written to the store";
        to.register("store_waiting", help, self.store_waiting.clone());
    }

    /// The counters for a listener of this kind.
    pub fn queries(&self, kind: Kind) -> Queries {
        let listener = kind.as_str();
        let counter = |result| {
            self.queries
                .get_or_create_owned(&Query { listener, result })
        };
        Queries {
            policy: counter("policy"),
            no_policy: counter("no-policy"),
            temporary: counter("temporary"),
            malformed: counter("malformed"),
        }
    }

    /// Counts a question to the network or the store that has been answered.
    pub fn question(&self, question: &'static str, result: &'static str, took: Duration) {
        self.questions
            .get_or_create(&Question { question, result })
            .inc();
        let seconds = self.question_seconds.get_or_create(&Asked { question });
        seconds.observe(took.as_secs_f64());
    }

    /// All of them as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let _ = text::encode(&mut text, &self.registry); // a String takes everything
        text
    }
}

fn seconds() -> Histogram {
    Histogram::new([0.001, 0.005, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0, 60.0])
}
