// SPDX-License-Identifier: MIT OR Apache-2.0

//! Writes to the store behind the answers. What a store that is down does not take waits here,
//! the latest of each domain, and is written when the store is back. Until then the server goes
//! on from memory.

use super::health::{Doing, Health};
use crate::store::PolicyStore;
use mtasts::{PolicyDomain, Stored};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tracing::error;

/// The most saves at a time.
const AT_A_TIME: usize = 32;

/// How many domains may wait before those without a policy do not: whoever makes up domains
/// fills nothing.
const CROWDED: usize = 10_000;

/// How long to wait before the store is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// What is to be done for one domain.
pub enum Write {
    Save(Arc<Stored>),
    /// The operator wants it forgotten, now or not at all.
    Purge(Purge),
}

/// A domain that is to be forgotten.
pub struct Purge {
    pub domain: PolicyDomain,
    /// What waited to be saved. Where the store does not take the purge, it waits again.
    unsaved: Option<Arc<Stored>>,
}

impl Purge {
    pub fn new(domain: PolicyDomain) -> Self {
        Self {
            domain,
            unsaved: None,
        }
    }
}

/// Whoever waits until it is written. It is dropped where the store does not take it now.
type Written = oneshot::Sender<()>;

/// The way to the writer.
#[derive(Clone)]
pub struct Saver(mpsc::UnboundedSender<Order>);

enum Order {
    Write(Write, Written),
    /// No more will come. What waits is written, as far as the store takes it.
    End(Written),
}

impl Saver {
    /// A saver, and the task that writes until [`Saver::end`].
    pub fn new(store: PolicyStore, health: Arc<Health>) -> (Self, impl Future<Output = ()>) {
        let (sender, orders) = mpsc::unbounded_channel();
        let writer = Writer {
            store,
            health,
            orders,
            waiting: HashMap::new(),
            turn: VecDeque::new(),
            busy: HashSet::new(),
            writing: JoinSet::new(),
            is_down: false,
            retry_at: Instant::now(),
        };
        (Self(sender), writer.run())
    }

    /// Writes as soon as may be. The receiver is told when it is written, and sees its sender
    /// dropped where that cannot be now.
    pub fn write(&self, write: Write) -> oneshot::Receiver<()> {
        let (written, receiver) = oneshot::channel();
        let _ = self.0.send(Order::Write(write, written)); // no writer: the server ends
        receiver
    }

    /// Waits until all is written, or the store does not take it.
    pub async fn end(&self) {
        let (written, receiver) = oneshot::channel();
        let _ = self.0.send(Order::End(written));
        let _ = receiver.await;
    }
}

struct Writer {
    store: PolicyStore,
    health: Arc<Health>,
    orders: mpsc::UnboundedReceiver<Order>,
    /// What waits, by domain, and for whom.
    waiting: HashMap<String, (Write, Vec<Written>)>,
    /// The domains in `waiting` but for those that are being written, in their order.
    turn: VecDeque<String>,
    /// The domains that are being written: one write of a domain at a time, in their order.
    busy: HashSet<String>,
    writing: JoinSet<Done>,
    is_down: bool,
    /// When the store is tried again.
    retry_at: Instant,
}

/// A write that has ended.
struct Done {
    domain: String,
    write: Write,
    waiting: Vec<Written>,
    result: Result<(), String>,
}

impl Writer {
    async fn run(mut self) {
        let mut ending = None;
        while ending.is_none() || (!self.is_idle() && !self.is_down) {
            self.begin();
            tokio::select! {
                order = self.orders.recv(), if ending.is_none() => match order {
                    Some(Order::Write(write, written)) => self.take(write, written),
                    Some(Order::End(written)) => ending = Some(Some(written)),
                    None => ending = Some(None),
                },
                Some(Ok(done)) = self.writing.join_next() => self.end(done),
                () = sleep_until(self.retry_at), if self.may_retry() => self.begin_one(),
            }
        }
        if !self.waiting.is_empty() {
            error!(
                domains = self.waiting.len(),
                "store: not saved, as the store is down"
            );
        }
    }

    fn is_idle(&self) -> bool {
        self.turn.is_empty() && self.writing.is_empty()
    }

    fn may_retry(&self) -> bool {
        self.is_down && self.writing.is_empty() && !self.turn.is_empty()
    }

    /// Takes an order; the latest for a domain counts.
    fn take(&mut self, mut write: Write, written: Written) {
        let is_refused = match &write {
            Write::Purge(_) => self.is_down,
            _ => !write.has_policy() && self.waiting.len() >= CROWDED,
        };
        if is_refused {
            return;
        }
        let domain = write.domain().to_string();
        let mut waiting = match self.waiting.remove(&domain) {
            Some((earlier, waiting)) => {
                write.replace(earlier);
                waiting
            }
            None => {
                self.queue(&domain);
                Vec::new()
            }
        };
        if !self.is_down {
            waiting.push(written);
        }
        self.waiting.insert(domain, (write, waiting));
        self.count();
    }

    fn queue(&mut self, domain: &str) {
        if !self.busy.contains(domain) {
            self.turn.push_back(domain.to_owned());
        }
    }

    /// Begins as many as may be; while the store is down only a try now and then.
    fn begin(&mut self) {
        while !self.is_down && self.writing.len() < AT_A_TIME && !self.turn.is_empty() {
            self.begin_one();
        }
    }

    fn begin_one(&mut self) {
        let Some(domain) = self.turn.pop_front() else {
            return;
        };
        let Some((write, waiting)) = self.waiting.remove(&domain) else {
            return;
        };
        self.busy.insert(domain.clone());
        let store = self.store.clone();
        self.writing.spawn(async move {
            let result = write.run(&store).await;
            Done {
                domain,
                write,
                waiting,
                result,
            }
        });
    }

    fn end(&mut self, done: Done) {
        self.busy.remove(&done.domain);
        match done.result {
            Ok(()) => {
                self.is_up();
                for written in done.waiting {
                    let _ = written.send(()); // nobody waits any more
                }
            }
            Err(reason) => {
                self.failed(&reason);
                if let Some(write) = done.write.again() {
                    let waiting = self.waiting.entry(done.domain.clone());
                    waiting.or_insert_with(|| (write, Vec::new()));
                }
            }
        }
        if self.waiting.contains_key(&done.domain) {
            self.queue(&done.domain);
        }
        self.count();
    }

    fn is_up(&mut self) {
        self.is_down = false;
        self.health.went_well(Doing::Save);
    }

    fn failed(&mut self, reason: &str) {
        self.health.failed(Doing::Save, reason);
        self.retry_at = Instant::now() + PAUSE;
        if std::mem::replace(&mut self.is_down, true) {
            return;
        }
        // Nobody waits for a store that is down.
        let waiting = std::mem::take(&mut self.waiting);
        let again = |(domain, (write, _)): (String, (Write, _))| Some((domain, write.again()?));
        let again = waiting.into_iter().filter_map(again);
        self.waiting = again
            .map(|(domain, write)| (domain, (write, Vec::new())))
            .collect();
    }

    fn count(&self) {
        let waiting = self.waiting.len() + self.writing.len();
        self.health.metrics.store_waiting.set(waiting as i64);
    }
}

impl Write {
    fn domain(&self) -> &PolicyDomain {
        match self {
            Self::Save(stored) => &stored.domain,
            Self::Purge(purge) => &purge.domain,
        }
    }

    fn has_policy(&self) -> bool {
        match self {
            Self::Save(stored) => stored.policy.is_some(),
            Self::Purge(_) => false,
        }
    }

    /// Takes the place of an earlier one that has not begun.
    fn replace(&mut self, earlier: Self) {
        let Self::Purge(purge) = self else {
            return;
        };
        purge.unsaved = match earlier {
            Self::Save(stored) => Some(stored),
            Self::Purge(earlier) => earlier.unsaved,
        };
    }

    /// What is to be tried again when the store has not taken this one.
    fn again(self) -> Option<Self> {
        match self {
            Self::Purge(purge) => purge.unsaved.map(Self::Save),
            other => Some(other),
        }
    }

    async fn run(&self, store: &PolicyStore) -> Result<(), String> {
        match self {
            Self::Save(stored) => store.save(Arc::clone(stored)).await,
            Self::Purge(purge) => store.remove(purge.domain.as_str()).await.map(drop),
        }
    }
}
