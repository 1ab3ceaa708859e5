// SPDX-License-Identifier: MIT OR Apache-2.0
// A program for Node, which is only compiled.

import { connect } from "node:tls";
import { checkCertificateName, resolve } from "mtasts";
import { certificateOf, createHost, directoryStore, type Mx, type NodeHost } from "mtasts/node";

const host: NodeHost = createHost({ store: directoryStore("/var/lib/mailer"), dnsTimeoutMs: 5000, log: console.error });

export async function first(domain: string): Promise<Mx | undefined> {
  const answer = await host.mx(domain);
  return "found" in answer ? answer.found[0] : undefined;
}

const outcome = await resolve("example.com", host);
const socket = connect({
  host: "mx.example.com",
  rejectUnauthorized: false,
  checkServerIdentity: (name, { raw }) => checkCertificateName(raw, name),
});
outcome.verdict({ mxHost: "mx.example.com", tls: "established", certificate: certificateOf(socket, "mx.example.com") });
