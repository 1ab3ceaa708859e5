// SPDX-License-Identifier: MIT OR Apache-2.0

//! The world `wasi:http/proxy`: the exported handler, and what it imports.

mod failure;
mod incoming;
mod outgoing;

use crate::config::Config;
use crate::service::Service;
use crate::slot;
use mtasts_web::Reply;
use std::cell::RefCell;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

struct Component;

wasip2::http::proxy::export!(Component);

thread_local! {
    /// The service, or why there is none. A component is not entered while it waits, so that nobody
    /// finds it borrowed.
    static SERVICE: RefCell<Result<Service, String>> = RefCell::new(service());
}

impl Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let request = incoming::Request::read(&request);
        SERVICE.with_borrow_mut(|service| {
            let reply = match service {
                Ok(service) => service.answer(&outgoing::Wasi, &request.parts()),
                Err(why) => Reply::problem(500, why),
            };
            incoming::respond(out, &reply, request.is_head());
        });
    }
}

fn service() -> Result<Service, String> {
    let text =
        slot::text().ok_or("this component has no configuration: see mtasts-pack configure")?;
    let config = Config::parse(text).map_err(|error| error.to_string())?;
    Ok(Service::new(config))
}
