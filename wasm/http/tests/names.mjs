// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Loaded before a program (node --import), this has Node.js look names up at the lab's name server.
// Nothing of the program is changed.

import dns, { Resolver } from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import { isIP } from "node:net";

const resolver = new Resolver();
resolver.setServers([process.env.MTASTS_LAB_DNS]);
const system = dns.lookup;

/** What getaddrinfo says where the name server says `code`. */
function failure(name, code) {
  const is_none = code === "ENOTFOUND" || code === "ENODATA";
  const said = is_none ? "ENOTFOUND" : "EAI_AGAIN";
  return Object.assign(new Error(`getaddrinfo ${said} ${name}`), { code: said });
}

dns.lookup = (name, options, done) => {
  if (isIP(name)) return system(name, options, done);
  resolver.resolve4(name, (error, addresses) => {
    if (error) return done(failure(name, error.code));
    if (!options.all) return done(null, addresses[0], 4);
    done(null, addresses.map((address) => ({ address, family: 4 })));
  });
};
syncBuiltinESMExports();
