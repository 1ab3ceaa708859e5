// SPDX-License-Identifier: MIT OR Apache-2.0

//! The Envoy plugin: mtasts-envoy behind the proxy-wasm ABI. Everything is decided there; here
//! octets are passed on.

#![allow(missing_docs)] // proxy_wasm::main! makes public functions without

mod envoy;
mod headers;

use envoy::Envoy;
use headers::Headers;
use mtasts_envoy::call::Response;
use mtasts_envoy::{Config, Counter, Level, Proxy, Route, Worker, is_ours};
use mtasts_web::Reply;
use mtasts_web::publish::Request;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};
use std::cell::RefCell;
use std::rc::Rc;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|id| Box::new(Root { id, plugin: None }));
}}

/// A plugin as it is configured, in one of Envoy's threads.
struct Plugin {
    envoy: Envoy,
    config: Config,
    /// Where queries are answered.
    worker: Option<RefCell<Worker>>,
}

/// What lives as long as the configuration.
struct Root {
    id: u32,
    /// `None` until the configuration is there.
    plugin: Option<Rc<Plugin>>,
}

/// One request.
struct Stream {
    id: u32,
    plugin: Option<Rc<Plugin>>,
    waits: bool,
}

impl Root {
    fn with_worker(&self, act: impl FnOnce(&mut Worker, &Envoy)) {
        let Some(plugin) = &self.plugin else { return };
        let Some(worker) = &plugin.worker else { return };
        if let Ok(mut worker) = worker.try_borrow_mut() {
            act(&mut worker, &plugin.envoy);
        }
    }
}

impl Root {
    fn tell_counts(&self) {
        if let Some(plugin) = &self.plugin {
            plugin.envoy.tell_counts();
        }
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, call: u32, headers: usize, size: usize, _: usize) {
        self.with_worker(|worker, envoy| {
            if let Some(max) = worker.wants(call) {
                worker.response(envoy, call, response(envoy, headers, size, max));
            }
        });
    }

    fn on_done(&mut self) -> bool {
        self.with_worker(|worker, envoy| worker.end(envoy));
        self.tell_counts();
        true
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let envoy = Envoy::new(self.id);
        let text = self.get_plugin_configuration().unwrap_or_default();
        let config = match Config::parse(&text) {
            Ok(config) => config,
            Err(error) => {
                envoy.log(Level::Warning, &format!("configuration refused: {error}"));
                return false;
            }
        };
        envoy.tick_slowly();
        let query = config.query.as_ref();
        let worker = query.map(|query| RefCell::new(Worker::new(query, &envoy)));
        self.plugin = Some(Rc::new(Plugin {
            envoy,
            config,
            worker,
        }));
        true
    }

    fn on_tick(&mut self) {
        self.with_worker(|worker, envoy| {
            envoy.tick_slowly();
            worker.tick(envoy);
        });
        self.tell_counts();
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        let plugin = self.plugin.clone();
        Some(Box::new(Stream {
            id,
            plugin,
            waits: false,
        }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Context for Stream {
    fn on_done(&mut self) -> bool {
        if let Some(plugin) = self.plugin.as_ref().filter(|_| self.waits)
            && let Some(Ok(mut worker)) = plugin.worker.as_ref().map(RefCell::try_borrow_mut)
        {
            worker.gone(self.id);
        }
        true
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let headers = Headers::of_request();
        let header = |name: &str| headers.get(name).unwrap_or_default();
        let path = header(":path");
        if !is_ours(path) {
            return Action::Continue;
        }
        #[cfg(feature = "panic-test")]
        #[allow(clippy::panic)]
        if path == "/v1/panic" {
            panic!("as the test wants");
        }
        let Some(plugin) = self.plugin.clone() else {
            return Action::Continue;
        };
        let request = Request {
            method: header(":method"),
            authority: header(":authority"),
            path,
            if_none_match: headers.get("if-none-match"),
        };
        match plugin.config.site.route(&request) {
            Route::Other => Action::Continue,
            Route::Policy(reply) => {
                let is_good = matches!(reply.status, 200 | 304);
                plugin.envoy.count(if is_good {
                    Counter::Served
                } else {
                    Counter::NotServed
                });
                sent(&plugin, &reply)
            }
            Route::Api(reply) => sent(&plugin, &reply),
            Route::Query(query) => self.query(&plugin, query),
        }
    }

    fn on_http_request_body(&mut self, _: usize, _: bool) -> Action {
        self.pause_if_waiting()
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        self.pause_if_waiting()
    }
}

impl Stream {
    fn query(&mut self, plugin: &Plugin, query: &str) -> Action {
        let worker = plugin.worker.as_ref().map(RefCell::try_borrow_mut);
        let Some(Ok(mut worker)) = worker else {
            return Action::Continue;
        };
        match worker.ask(&plugin.envoy, self.id, query) {
            Some(reply) => sent(plugin, &reply),
            None => {
                self.waits = true;
                Action::Pause
            }
        }
    }

    fn pause_if_waiting(&self) -> Action {
        match self.waits {
            true => Action::Pause,
            false => Action::Continue,
        }
    }
}

fn sent(plugin: &Plugin, reply: &Reply<'_>) -> Action {
    plugin.envoy.send(reply);
    Action::Pause
}

/// The response to a call; of its body nothing, if it is larger than `max` octets.
fn response(envoy: &Envoy, headers: usize, size: usize, max: usize) -> Response {
    if headers == 0 {
        return Response::default(); // there is none
    }
    let has = |name: &str| envoy.response_header(name).is_some();
    Response {
        status: envoy
            .response_header(":status")
            .and_then(|status| status.parse().ok())
            .unwrap_or_default(),
        content_type: envoy.response_header("content-type"),
        age: envoy.response_header("age"),
        is_upstream: has("x-envoy-upstream-service-time"),
        has_end: has("content-length") || has("transfer-encoding"),
        size,
        body: envoy.response_body(Response::worth_reading(size, max)),
    }
}
