// SPDX-License-Identifier: MIT OR Apache-2.0

//! The interface `host`, by mtasts-host, and with a store of one entry: that of the domain under way.

use crate::mtasts::engine::host::{
    Entry, FetchFailure, FetchRequest, Host, HttpsReply, TxtAnswer, TxtFailure,
};
use crate::mtasts::engine::types;
use ::mtasts::Host as _;
use mtasts_host::{DefaultHost, Options};
use std::env;
use std::error::Error;

/// The network of the lab.
pub struct Lab {
    network: DefaultHost,
    pub stored: Option<String>,
    pub is_readable: bool,
}

impl Lab {
    /// As the variables of the lab say.
    pub fn from_environment() -> Result<Self, Box<dyn Error>> {
        let options = Options {
            nameservers: vec![env::var("MTASTS_LAB_DNS")?.parse()?],
            ca_file: Some(env::var("MTASTS_LAB_CA")?.into()),
            https_port: env::var("MTASTS_LAB_HTTPS_PORT")?.parse()?,
            allow_non_global: true,
            ..Options::default()
        };
        Ok(Self {
            network: DefaultHost::open(options)?,
            stored: None,
            is_readable: true,
        })
    }
}

impl types::Host for Lab {}

impl Host for Lab {
    fn now(&mut self) -> u64 {
        self.network.now().0
    }

    fn query_txt(&mut self, name: String) -> Result<TxtAnswer, TxtFailure> {
        use ::mtasts::TxtFailure as From;
        let answer = self.network.blocking().txt(&name);
        let answer = answer.map_err(|failure| match failure {
            From::NoRecords { ttl } => TxtFailure::NoRecords(ttl),
            From::Local => TxtFailure::Local,
            From::Permanent => TxtFailure::Permanent,
            From::Temporary => TxtFailure::Temporary,
        })?;
        // mtasts-host has joined their strings.
        let records = answer.records.into_iter().map(|text| vec![text]).collect();
        Ok(TxtAnswer {
            records,
            ttl: answer.ttl,
        })
    }

    fn fetch(&mut self, request: FetchRequest) -> Result<HttpsReply, FetchFailure> {
        let reply = self.network.blocking().https(&::mtasts::Fetch {
            host: &request.host,
            path: &request.path,
            timeout_ms: request.timeout_ms,
            max_body: request.max_body as usize,
        });
        let reply = reply.map_err(fetch_failure)?;
        Ok(HttpsReply {
            status: reply.status,
            content_type: reply.content_type,
            body: reply.body,
        })
    }

    fn load(&mut self, _: String) -> Result<Option<String>, ()> {
        match self.is_readable {
            true => Ok(self.stored.clone()),
            false => Err(()),
        }
    }

    fn save(&mut self, entry: Entry) {
        self.stored = Some(entry.text);
    }
}

fn fetch_failure(failure: ::mtasts::FetchFailure) -> FetchFailure {
    use ::mtasts::FetchFailure as From;
    match failure {
        From::BodyTooLarge => FetchFailure::BodyTooLarge,
        From::Connect => FetchFailure::Connect,
        From::Dns => FetchFailure::Dns,
        From::Local => FetchFailure::Local,
        From::Other => FetchFailure::Other,
        From::Timeout => FetchFailure::Timeout,
        From::WebPki => FetchFailure::WebPki,
    }
}
