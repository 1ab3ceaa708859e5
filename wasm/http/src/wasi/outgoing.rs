// SPDX-License-Identifier: MIT OR Apache-2.0

//! Requests that go out, each within its time. The runtime connects, checks certificates and
//! follows no redirect, as `wasi:http/outgoing-handler` wants it (R-GET-2, R-GET-4).

use super::failure::failure;
use super::incoming::field;
use crate::failure::told;
use crate::service::{Call, Network, Response};
use mtasts::{FetchFailure, UnixTime};
use std::time::Duration;
use wasip2::clocks::{monotonic_clock, wall_clock};
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::poll::{Pollable, poll};
use wasip2::io::streams::{InputStream, StreamError};

/// What policy hosts read of us.
const AGENT: &str = concat!("libmtasts/", env!("CARGO_PKG_VERSION"));

/// The most octets that are read at once.
const CHUNK: u64 = 16_384;

/// The runtime.
pub struct Wasi;

impl Network for Wasi {
    fn now(&self) -> UnixTime {
        UnixTime(wall_clock::now().seconds)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(monotonic_clock::now())
    }

    fn call(&self, call: &Call<'_>) -> Result<Response, FetchFailure> {
        let deadline = monotonic_clock::subscribe_duration(nanos(call.timeout));
        let future = send(call)?;
        let response = wait(&future, &deadline)?;
        let status = response.status();
        let headers = response.headers();
        let (content_type, age) = (field(&headers, "content-type"), field(&headers, "age"));
        drop(headers);
        let body = match status {
            200 => read(&response, call.max_body, &deadline)?,
            _ => Vec::new(), // nobody reads an error's page
        };
        Ok(Response {
            status,
            content_type,
            age,
            body,
        })
    }
}

/// Begins the exchange. Errors of the setters mean that the runtime knows no such host or path.
fn send(call: &Call<'_>) -> Result<FutureIncomingResponse, FetchFailure> {
    let request = OutgoingRequest::new(fields(call));
    let scheme = if call.is_https {
        Scheme::Https
    } else {
        Scheme::Http
    };
    let method = call.body.map_or(Method::Get, |_| Method::Post);
    request
        .set_method(&method)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(call.authority)))
        .and_then(|()| request.set_path_with_query(Some(call.path)))
        .map_err(|()| FetchFailure::Other)?;
    let body = request.body().map_err(|()| FetchFailure::Other)?;
    let future = outgoing_handler::handle(request, Some(options(call.timeout)))
        .map_err(|code| failure(&code))?;
    // Where this fails the response says why.
    let _ = write(body, call.body.map_or(&[], |(_, octets)| octets));
    Ok(future)
}

fn fields(call: &Call<'_>) -> Fields {
    let fields = Fields::new();
    let set = |name: &str, value: &str| {
        let _ = fields.append(name, value.as_bytes());
    };
    set("user-agent", AGENT);
    if let Some((media_type, octets)) = call.body {
        set("accept", media_type);
        set("content-type", media_type);
        set("content-length", &octets.len().to_string());
    }
    fields
}

/// So that the runtime, too, gives up. Not every runtime knows all of them.
fn options(timeout: Duration) -> RequestOptions {
    let (options, limit) = (RequestOptions::new(), Some(nanos(timeout)));
    let _ = options.set_connect_timeout(limit);
    let _ = options.set_first_byte_timeout(limit);
    let _ = options.set_between_bytes_timeout(limit);
    options
}

/// The body of a question fits into what every stream takes at once.
fn write(body: OutgoingBody, octets: &[u8]) -> Result<(), ()> {
    if !octets.is_empty() {
        let stream = body.write()?;
        stream.blocking_write_and_flush(octets).map_err(|_| ())?;
    }
    OutgoingBody::finish(body, None).map_err(|_| ())
}

fn wait(
    future: &FutureIncomingResponse,
    deadline: &Pollable,
) -> Result<IncomingResponse, FetchFailure> {
    in_time(&future.subscribe(), deadline)?;
    match future.get() {
        Some(Ok(Ok(response))) => Ok(response),
        Some(Ok(Err(code))) => Err(failure(&code)),
        Some(Err(())) | None => Err(FetchFailure::Other), // it was taken, or is not ready
    }
}

/// The whole body.
fn read(
    response: &IncomingResponse,
    max_body: usize,
    deadline: &Pollable,
) -> Result<Vec<u8>, FetchFailure> {
    let body: IncomingBody = response.consume().map_err(|()| FetchFailure::Other)?;
    let stream = body.stream().map_err(|()| FetchFailure::Other)?;
    let mut octets = Vec::new();
    while let Some(chunk) = next(&stream, deadline)? {
        if octets.len() + chunk.len() > max_body {
            return Err(FetchFailure::BodyTooLarge);
        }
        octets.extend_from_slice(&chunk);
    }
    Ok(octets)
}

/// The next octets; `None`: there are no more.
fn next(stream: &InputStream, deadline: &Pollable) -> Result<Option<Vec<u8>>, FetchFailure> {
    in_time(&stream.subscribe(), deadline)?;
    match stream.read(CHUNK) {
        Ok(chunk) => Ok(Some(chunk)),
        Err(StreamError::Closed) => Ok(None),
        // Not by `http-error-code`: jco's fails where the error is one of Node.js.
        Err(StreamError::LastOperationFailed(error)) => Err(told(&error.to_debug_string())),
    }
}

/// Waits until it is ready, unless the time is over: also where something is always ready, as in a
/// body that comes an octet at a time.
fn in_time(ready: &Pollable, deadline: &Pollable) -> Result<(), FetchFailure> {
    const DEADLINE: u32 = 1;
    match poll(&[ready, deadline]).contains(&DEADLINE) {
        true => Err(FetchFailure::Timeout),
        false => Ok(()),
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
