// SPDX-License-Identifier: MIT OR Apache-2.0

//! A filter that sends one fixed response and looks at nothing: what proxy-wasm itself costs.

#![allow(missing_docs)] // proxy_wasm::main! makes public functions without

use proxy_wasm::hostcalls::send_http_response;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root));
}}

const BODY: &[u8] = b"version: STSv1\r\nmode: enforce\r\nmx: *.mail.example\r\nmax_age: 604800\r\n";

struct Root;
struct Stream;

impl Context for Root {}
impl Context for Stream {}

impl RootContext for Root {
    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let _ = send_http_response(200, vec![("content-type", "text/plain")], Some(BODY));
        Action::Pause
    }
}
