// SPDX-License-Identifier: MIT OR Apache-2.0
// A program of a user of the package, which is only compiled.

import { type Host, lookAgain, memoryStore, MtastsError, type Outcome, Policy, Record as StsRecord, resolve } from "mtasts";
import type { Action, FetchAnswer, Reason, ResultType, Session, TxtAnswer } from "mtasts";

/** A host that is nothing but the platform's fetch, and DNS over HTTPS. */
class Web implements Host {
  async txt(name: string, { signal }: { signal: AbortSignal }): Promise<TxtAnswer> {
    const reply = await fetch(`https://resolver.example/?name=${name}&type=TXT`, { signal });
    if (!reply.ok) return { failure: "temporary" };
    const { Answer = [] } = (await reply.json()) as { Answer?: { data: string; TTL: number }[] };
    return { records: Answer.map(({ data }) => data), ttl: Math.min(...Answer.map(({ TTL }) => TTL)) };
  }

  async fetch(request: { url: string }, { signal }: { signal: AbortSignal }): Promise<FetchAnswer> {
    const reply = await fetch(request.url, { signal, redirect: "manual" });
    return {
      status: reply.status,
      contentType: reply.headers.get("content-type"),
      body: new Uint8Array(await reply.arrayBuffer()),
    };
  }

  readonly #store = memoryStore();
  load = this.#store.load;
  save = this.#store.save;
}

export async function judge(domain: string, session: Session, signal?: AbortSignal): Promise<Action> {
  const host = new Web();
  using outcome: Outcome = await resolve(domain, host, { signal, deferOnDnsFailure: true });
  const reason: Reason | undefined = outcome.reason;
  if (reason === "status-404" || reason === "no-record") return "deliver";
  const until: number | undefined = outcome.expiresAt?.getTime();
  const [first]: readonly string[] = outcome.policy?.mx ?? [];
  const { action, result } = outcome.verdict(session);
  const report: ResultType | undefined = result ?? outcome.result;
  console.log(until, first, report, outcome.error instanceof MtastsError && outcome.error.line);
  if (action === "defer") return (await lookAgain(outcome, host)).verdict(session).action;
  return action;
}

export function read(text: string | Uint8Array): string {
  try {
    using policy = Policy.parse(text, { strict: true });
    const rfc: "enforce" | "testing" | "none" = policy.mode;
    return `${rfc} ${StsRecord.parse("v=STSv1; id=1;").id}`;
  } catch (error) {
    if (error instanceof MtastsError && error.kind === "mx-missing") return `${error.line}:${error.column}`;
    throw error;
  }
}

// @ts-expect-error: an established session has a certificate.
const forgotten: Session = { mxHost: "mx.example.com", tls: "established" };
// @ts-expect-error: there is no such word.
const misspelt: Session = { mxHost: "mx.example.com", tls: "not-offerred" };
// @ts-expect-error: a host has to fetch.
const half: Host = { txt: () => ({ records: [] }) };
// @ts-expect-error: policies are read, not made.
const made = new Policy();
void [forgotten, misspelt, half, made];
