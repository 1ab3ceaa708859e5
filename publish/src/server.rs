// SPDX-License-Identifier: MIT OR Apache-2.0

//! Configuration of the web server that is the Policy Host (RFC 8461 §3.3): it serves the policy,
//! octet for octet, as `text/plain`, and nothing else.
//!
//! nginx and Envoy have the policy in their configuration. Caddy and Apache cannot write a carriage
//! return there, and read it from a file. What is put between quotes is escaped, although a domain,
//! a policy and a path of our own types hold nothing that would need it.

use crate::draft::Written;
use crate::site::Site;
use alloc::{format, string::String};

/// A web server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// Apache 2.4, with mod_ssl and mod_alias.
    Apache,
    /// Caddy 2, which gets its certificate itself.
    Caddy,
    /// Envoy 1.20 or later.
    Envoy,
    /// nginx.
    Nginx,
}

/// What a web server is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The configuration.
    pub text: String,
    /// Where the policy's file has to be; `None` where the configuration holds the policy.
    pub policy_file: Option<String>,
}

impl Server {
    /// All of them, those that most will look for first.
    pub const ALL: &[Self] = &[Self::Nginx, Self::Caddy, Self::Apache, Self::Envoy];

    /// The name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apache => "apache",
            Self::Caddy => "caddy",
            Self::Envoy => "envoy",
            Self::Nginx => "nginx",
        }
    }

    /// The name as its makers write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Apache => "Apache",
            Self::Caddy => "Caddy",
            Self::Envoy => "Envoy",
            Self::Nginx => "nginx",
        }
    }

    /// What its configuration's file is usually called.
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Apache | Self::Nginx => "mta-sts.conf",
            Self::Caddy => "Caddyfile",
            Self::Envoy => "envoy.yaml",
        }
    }
}

impl Site {
    /// The configuration of `server` for serving `policy`.
    pub fn configuration(&self, server: Server, policy: &Written) -> Configuration {
        match server {
            Server::Apache => self.by_file(apache(self)),
            Server::Caddy => self.by_file(caddy(self)),
            Server::Envoy => inline(envoy(self, policy)),
            Server::Nginx if fits_nginx(policy.text()) => inline(nginx(self, policy)),
            Server::Nginx => self.by_file(nginx_file(self)),
        }
    }

    fn by_file(&self, text: String) -> Configuration {
        let policy_file = Some(self.policy_file());
        Configuration { text, policy_file }
    }
}

fn inline(text: String) -> Configuration {
    let policy_file = None;
    Configuration { text, policy_file }
}

/// nginx takes words up to 4 KiB, and has no way to write a `$`.
fn fits_nginx(text: &str) -> bool {
    quoted(text).len() <= 4000 && !text.contains('$')
}

fn nginx(site: &Site, policy: &Written) -> String {
    let answer = format!(
        "default_type text/plain;\n        return 200 {};",
        quoted(policy.text())
    );
    nginx_server(site, &answer)
}

fn nginx_file(site: &Site) -> String {
    let root = site.root();
    let answer = format!("types {{ }}\n        default_type text/plain;\n        root \"{root}\";");
    nginx_server(site, &answer)
}

fn nginx_server(site: &Site, answer: &str) -> String {
    let host = site.domain().policy_host();
    let (certificate, key) = (site.certificate(), site.key());
    let path = mtasts::WELL_KNOWN_PATH;
    format!(
        "server {{
    listen 443 ssl;
    listen [::]:443 ssl;
    server_name {host};
    ssl_certificate \"{certificate}\";
    ssl_certificate_key \"{key}\";
    ssl_protocols TLSv1.2 TLSv1.3;

    location = {path} {{
        {answer}
    }}
    location / {{
        return 404;
    }}
}}
"
    )
}

fn caddy(site: &Site) -> String {
    let host = site.domain().policy_host();
    let (root, path) = (site.root(), mtasts::WELL_KNOWN_PATH);
    format!(
        "https://{host} {{
	handle {path} {{
		root * {root}
		header Content-Type text/plain
		file_server
	}}
	handle {{
		respond 404
	}}
}}
"
    )
}

fn apache(site: &Site) -> String {
    let host = site.domain().policy_host();
    let (certificate, key, root) = (site.certificate(), site.key(), site.root());
    format!(
        "<VirtualHost *:443>
    ServerName {host}
    SSLEngine on
    SSLCertificateFile \"{certificate}\"
    SSLCertificateKeyFile \"{key}\"
    SSLProtocol -all +TLSv1.2 +TLSv1.3

    DocumentRoot \"{root}\"
    RedirectMatch 404 \"^(?!/\\.well-known/mta-sts\\.txt$)\"
    <Directory \"{root}\">
        Require all granted
        AllowOverride None
        Options None
        ForceType text/plain
    </Directory>
</VirtualHost>
"
    )
}

fn envoy(site: &Site, policy: &Written) -> String {
    let host = site.domain().policy_host();
    let (certificate, key) = (site.certificate(), site.key());
    let (path, size) = (mtasts::WELL_KNOWN_PATH, policy.text().len());
    let body = quoted(policy.text());
    format!(
        "static_resources:
  listeners:
  - name: mta-sts
    address:
      socket_address: {{address: \"::\", port_value: 443, ipv4_compat: true}}
    filter_chains:
    - transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            tls_params: {{tls_minimum_protocol_version: TLSv1_2}}
            tls_certificates:
            - certificate_chain: {{filename: \"{certificate}\"}}
              private_key: {{filename: \"{key}\"}}
      filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: mta_sts
          strip_any_host_port: true
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          route_config:
            max_direct_response_body_size_bytes: {size}
            virtual_hosts:
            - name: mta-sts
              domains: [\"{host}\"]
              routes:
              - match: {{path: \"{path}\"}}
                direct_response:
                  status: 200
                  body:
                    inline_string: {body}
                response_headers_to_add:
                - header: {{key: content-type, value: text/plain}}
                  append_action: OVERWRITE_IF_EXISTS_OR_ADD
"
    )
}

/// A text in double quotes that nginx and YAML both read back as it is; in neither can it end the
/// quotes or the line.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted += "\\\"",
            '\\' => quoted += "\\\\",
            '\r' => quoted += "\\r",
            '\n' => quoted += "\\n",
            _ => quoted.push(c),
        }
    }
    quoted + "\""
}
