// SPDX-License-Identifier: MIT OR Apache-2.0
// What Node's TLS found of an MX host's certificate, in the words of a verdict (RFC 8461 §4.2,
// R-CERT-1).

import type { TLSSocket } from "node:tls";
import { checkCertificateName } from "../certificate.js";
import type { Certificate } from "../outcome.js";

const EXPIRED = ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"];

const NOT_TRUSTED = [
  "CERT_CHAIN_TOO_LONG",
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
];

/**
 * Judges the certificate of `socket`, which `tls.connect` made with `rejectUnauthorized: false`: it
 * is for the policy to say whether a bad certificate matters. `mxHost` is the name in the MX record.
 */
export function certificateOf(socket: TLSSocket, mxHost: string): Certificate {
  // "ERR_TLS_CERT_ALTNAME_INVALID" is Node's opinion of the name, which counts common names too.
  const code = String(socket.authorizationError ?? "");
  const { raw } = socket.getPeerCertificate();
  if (raw === undefined) return "invalid";
  if (EXPIRED.includes(code)) return "expired";
  if (NOT_TRUSTED.includes(code)) return "not-trusted";
  if (!socket.authorized && code !== "ERR_TLS_CERT_ALTNAME_INVALID") return "invalid";
  const problem = checkCertificateName(raw, mxHost);
  if (problem === undefined) return "valid";
  return problem.kind === "certificate" ? "invalid" : "host-mismatch";
}
