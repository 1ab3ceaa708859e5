// SPDX-License-Identifier: MIT OR Apache-2.0

//! Answers `/v1/policy` in one of Envoy's threads. Requests wait while DNS and policy hosts are
//! asked; however many wait for a domain, it is asked for once (R-FLOW-8).
//!
//! A request may be abandoned by its client, and Envoy then drops the calls that were made in its
//! name. So calls are made in [`Worker::tick`] and [`Worker::response`], which belong to the
//! thread; and requests that waited are answered there, as to answer one in the name of another
//! would take from Envoy to whom the other's answer goes.

use crate::call::Response;
use crate::config::Query;
use crate::proxy::{Counter, Level, Proxy};
use crate::refresher::Refresher;
use crate::store::Store;
use mtasts::engine::{Asked, Engine, Event, Settings, Ticket, Trouble, Work};
use mtasts::{Fetch, FetchFailure, Outcome, PolicyDomain, RequestId, Stored, TxtFailure, UnixTime};
use mtasts_web::doh::{self, Question};
use mtasts_web::{Reply, query};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// What policy hosts read of us.
const AGENT: &str = concat!("libmtasts/", env!("CARGO_PKG_VERSION"));

/// One thread's share of the work.
#[derive(Debug)]
pub struct Worker {
    config: Query,
    engine: Engine,
    store: Store,
    refresher: Refresher,
    waiting: BTreeMap<Ticket, Waiting>,
    /// Replies to requests that waited, found while another one was being answered.
    ready: Vec<(u32, Reply<'static>)>,
    /// Calls to make.
    calls: VecDeque<Call>,
    /// Calls that were made, by Envoy's number.
    open: BTreeMap<u32, Call>,
}

/// A request that waits for an outcome.
#[derive(Debug)]
struct Waiting {
    request: u32,
    parameters: Vec<(String, String)>,
}

#[derive(Debug)]
enum Call {
    Txt(RequestId, Question),
    Policy(PolicyCall),
}

/// The fetch of a policy.
#[derive(Debug)]
struct PolicyCall {
    id: RequestId,
    host: String,
    path: String,
    timeout: Duration,
    max_body: usize,
    made_at: UnixTime,
}

/// [`Work`], as far as it outlives the call that gave it.
enum Task {
    Load(RequestId, PolicyDomain),
    Txt(RequestId, String),
    Call(Call),
    Save(Arc<Stored>),
    Remove(Arc<Stored>),
    Done(Ticket, Outcome),
    Event(Event),
    Nothing,
}

impl Worker {
    /// A worker that knows nothing but what is in the store.
    pub fn new(config: &Query, proxy: &impl Proxy) -> Self {
        let mut settings = Settings::default();
        settings.lookup.fetch_timeout_ms = config.fetch.timeout_ms;
        settings.lookup.refresh_after = u32::MAX; // the refresher sees to that
        settings.max_policies = config.max_policies;
        settings.max_without_policy = config.max_without_policy;
        let store = Store::open(proxy);
        Self {
            config: config.clone(),
            engine: Engine::new(settings, proxy.random()),
            refresher: Refresher::new(store, proxy),
            store,
            waiting: BTreeMap::new(),
            ready: Vec::new(),
            calls: VecDeque::new(),
            open: BTreeMap::new(),
        }
    }

    /// Answers the request with this number, now or, where `None` comes back, later by
    /// [`Proxy::respond`].
    pub fn ask(&mut self, proxy: &impl Proxy, request: u32, query: &str) -> Option<Reply<'static>> {
        let parameters = query::parameters(query);
        let domain = match query::domain(&parameters, query::POLICY, query::a_labels) {
            Ok(domain) => domain,
            Err(problem) => {
                proxy.count(Counter::Malformed);
                return Some(problem.reply());
            }
        };
        let now = proxy.now();
        if let Some(outcome) = self.engine.ready(domain.as_str(), now) {
            return Some(answer(proxy, &outcome, &parameters));
        }
        if self.waiting.len() >= self.config.max_waiting {
            proxy.count(Counter::Overload);
            return Some(Reply::problem(503, "too many queries wait"));
        }
        let ticket = match self.engine.ask(&domain, now) {
            Asked::Ready(outcome) => return Some(answer(proxy, &outcome, &parameters)),
            Asked::Pending(ticket) => ticket,
        };
        let waiting = Waiting {
            request,
            parameters,
        };
        self.waiting.insert(ticket, waiting);
        let reply = self.work(proxy, Some(ticket)); // the store may suffice
        if !self.calls.is_empty() || !self.ready.is_empty() {
            proxy.wake();
        }
        reply
    }

    /// The request with this number waits no longer.
    pub fn gone(&mut self, request: u32) {
        self.waiting.retain(|_, waiting| waiting.request != request);
        self.ready.retain(|(ready, _)| *ready != request);
    }

    /// Does what is due. To be called about once a second, and when [`Proxy::wake`] was.
    pub fn tick(&mut self, proxy: &impl Proxy) {
        self.refresher.tick(proxy, &mut self.engine);
        self.go_on(proxy);
    }

    /// Whether the response to a call of this number is awaited; how large a body is wanted.
    pub fn wants(&self, call: u32) -> Option<usize> {
        self.open.get(&call).map(|call| match call {
            Call::Txt(..) => doh::MAX_BODY,
            Call::Policy(fetch) => fetch.max_body,
        })
    }

    /// Takes the response to a call.
    pub fn response(&mut self, proxy: &impl Proxy, call: u32, response: Response) {
        match self.open.remove(&call) {
            Some(Call::Txt(id, question)) => self.txt(proxy, id, question, &response),
            Some(Call::Policy(fetch)) => self.policy(proxy, &fetch, response),
            None => {}
        }
        self.go_on(proxy);
    }

    /// The worker ends; another may refresh policies.
    pub fn end(&self, proxy: &impl Proxy) {
        self.refresher.resign(proxy);
    }
}

// Work and calls. An answer to a question that is no longer asked is refused by the engine, which
// is all there is to do about it.
impl Worker {
    fn go_on(&mut self, proxy: &impl Proxy) {
        loop {
            self.work(proxy, None);
            for (request, reply) in self.ready.drain(..) {
                proxy.respond(request, &reply);
            }
            let Some(call) = self.calls.pop_front() else {
                return;
            };
            self.make(proxy, call);
        }
    }

    /// Does all that needs no call. Gives the reply to the request that holds `own`, if there is
    /// one already.
    fn work(&mut self, proxy: &impl Proxy, own: Option<Ticket>) -> Option<Reply<'static>> {
        let mut reply = None;
        while let Some(task) = self.engine.poll(proxy.now()).map(task) {
            match task {
                Task::Load(id, domain) => {
                    let loaded = self.store.load(proxy, &domain);
                    let _ = self.engine.loaded(id, proxy.now(), loaded);
                }
                Task::Txt(id, name) => match Question::txt(&name) {
                    Ok(question) => self.calls.push_back(Call::Txt(id, question)),
                    Err(failure) => drop(self.engine.txt(id, proxy.now(), Err(failure))),
                },
                Task::Call(call) => self.calls.push_back(call),
                Task::Save(stored) => self.save(proxy, &stored),
                Task::Remove(stored) => drop(self.store.remove(proxy, &stored, proxy.now())),
                Task::Done(ticket, outcome) => {
                    let Some(waiting) = self.waiting.remove(&ticket) else {
                        continue; // nobody waits any more, or it was a refresh
                    };
                    let made = answer(proxy, &outcome, &waiting.parameters);
                    match own == Some(ticket) {
                        true => reply = Some(made),
                        false => self.ready.push((waiting.request, made)),
                    }
                }
                Task::Event(event) => tell(proxy, &event),
                Task::Nothing => {}
            }
        }
        reply
    }

    fn save(&self, proxy: &impl Proxy, stored: &Stored) {
        if !self.store.save(proxy, stored, proxy.now()) {
            proxy.count(Counter::StoreFailed);
            let line = format!("{}: what is known cannot be stored", stored.domain);
            proxy.log(Level::Warning, &line);
        }
    }

    fn make(&mut self, proxy: &impl Proxy, mut call: Call) {
        let made = match &mut call {
            Call::Txt(_, question) => self.call_dns(proxy, question),
            Call::Policy(fetch) => {
                fetch.made_at = proxy.now();
                self.call_policy_host(proxy, fetch)
            }
        };
        if let Some(number) = made {
            self.open.insert(number, call);
            return;
        }
        let now = proxy.now();
        let _ = match call {
            Call::Txt(id, _) => {
                proxy.count(Counter::TxtFailed);
                self.engine.txt(id, now, Err(TxtFailure::Local))
            }
            Call::Policy(fetch) => {
                proxy.count(Counter::FetchFailed);
                self.engine.https(fetch.id, now, Err(FetchFailure::Local))
            }
        };
    }

    fn call_dns(&self, proxy: &impl Proxy, question: &Question) -> Option<u32> {
        proxy.count(Counter::Txt);
        let dns = &self.config.dns;
        let headers = [
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", &dns.authority),
            (":path", &dns.path),
            ("accept", doh::MEDIA_TYPE),
            ("content-type", doh::MEDIA_TYPE),
            ("user-agent", AGENT),
        ];
        proxy.call(
            &dns.cluster,
            &headers,
            Some(&question.message()),
            dns.timeout,
        )
    }

    fn call_policy_host(&self, proxy: &impl Proxy, fetch: &PolicyCall) -> Option<u32> {
        proxy.count(Counter::Fetch);
        let authority = match self.config.fetch.port {
            443 => fetch.host.clone(),
            port => format!("{}:{port}", fetch.host),
        };
        let headers = [
            (":method", "GET"),
            (":scheme", "https"),
            (":authority", &authority),
            (":path", &fetch.path),
            ("user-agent", AGENT),
        ];
        proxy.call(&self.config.fetch.cluster, &headers, None, fetch.timeout)
    }

    fn txt(
        &mut self,
        proxy: &impl Proxy,
        id: RequestId,
        mut question: Question,
        response: &Response,
    ) {
        let answer = match response.as_dns() {
            Ok(reply) => question.answer(&reply),
            Err(failure) => Some(Err(failure)),
        };
        let Some(answer) = answer else {
            return self.calls.push_back(Call::Txt(id, question)); // a CNAME leads elsewhere
        };
        if !matches!(answer, Ok(_) | Err(TxtFailure::NoRecords { .. })) {
            proxy.count(Counter::TxtFailed);
        }
        let answer = answer.as_ref().map_err(|failure| *failure);
        let _ = self.engine.txt(id, proxy.now(), answer);
    }

    fn policy(&mut self, proxy: &impl Proxy, fetch: &PolicyCall, response: Response) {
        let says = response.words();
        let mut reply = response.into_policy(fetch.max_body);
        if reply == Err(FetchFailure::Connect) && is_over(fetch, proxy.now()) {
            reply = Err(FetchFailure::Timeout); // Envoy does not say so once there is a head
        }
        if !matches!(&reply, Ok(reply) if reply.status == 200) {
            proxy.count(Counter::FetchFailed);
            proxy.log(Level::Info, &format!("{}: no policy: {says}", fetch.host));
        }
        let reply = reply.as_ref().map_err(|failure| *failure);
        let _ = self.engine.https(fetch.id, proxy.now(), reply);
    }
}

/// Whether the time for a fetch is used up.
fn is_over(fetch: &PolicyCall, now: UnixTime) -> bool {
    now.since(fetch.made_at) >= fetch.timeout.as_secs()
}

fn task(work: Work<'_>) -> Task {
    match work {
        Work::Load { request, domain } => Task::Load(request, domain.clone()),
        Work::QueryTxt { request, name } => Task::Txt(request, name.to_owned()),
        Work::Fetch { request, fetch } => Task::Call(policy_call(request, &fetch)),
        Work::Save { stored, .. } => Task::Save(stored),
        Work::Remove(stored) => Task::Remove(stored),
        Work::Done { ticket, outcome } => Task::Done(ticket, outcome),
        Work::Event(event) => Task::Event(event),
        _ => Task::Nothing,
    }
}

fn policy_call(id: RequestId, fetch: &Fetch<'_>) -> Call {
    Call::Policy(PolicyCall {
        id,
        host: fetch.host.to_owned(),
        path: fetch.path.to_owned(),
        timeout: Duration::from_millis(fetch.timeout_ms.into()),
        max_body: fetch.max_body,
        made_at: UnixTime::default(),
    })
}

fn answer(proxy: &impl Proxy, outcome: &Outcome, parameters: &query::Parameters) -> Reply<'static> {
    proxy.count(match (outcome.is_try_later(), outcome.policy()) {
        (true, _) => Counter::Temporary,
        (false, Some(_)) => Counter::Policy,
        (false, None) => Counter::NoPolicy,
    });
    query::policy(outcome, None, parameters)
}

fn tell(proxy: &impl Proxy, event: &Event) {
    let failed = |trouble: &Trouble| {
        let Trouble {
            domain,
            reason,
            failures,
            ..
        } = trouble;
        proxy.count(Counter::RefreshFailed);
        format!("{domain}: the policy cannot be refreshed: {reason} ({failures} times)")
    };
    match event {
        Event::PolicyChanged { domain, new, .. } => {
            let line = format!("{domain}: the policy has changed; its id is {}", new.id);
            proxy.log(Level::Info, &line);
        }
        Event::RefreshFailed(trouble) => proxy.log(Level::Info, &failed(trouble)),
        Event::RefreshFailsRepeatedly(trouble) => proxy.log(Level::Warning, &failed(trouble)),
        Event::PolicyExpired { domain, .. } => {
            proxy.count(Counter::Expired);
            let line = format!("{domain}: the policy has expired and could not be refreshed");
            proxy.log(Level::Warning, &line);
        }
        _ => {}
    }
}
