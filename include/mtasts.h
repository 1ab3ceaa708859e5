/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libmtasts: MTA-STS (RFC 8461) for mail software. Made by cbindgen from ffi/src; do not edit.
 *
 * A sender that may block fills a struct mtasts_host with callbacks for DNS, HTTPS and storage,
 * or takes those of libmtasts-host (mtasts_host.h), and asks:
 *
 *     mtasts_outcome *outcome;
 *     int32_t status = mtasts_resolve("example.com", NULL, host, &outcome);
 *     if (status == MTASTS_OK) {
 *         mtasts_session session = {0};
 *         mtasts_verdict verdict = {0};
 *         session.size = sizeof session;
 *         verdict.size = sizeof verdict;
 *         session.mx_host = "mx1.example.com";
 *         session.tls = MTASTS_TLS_NOT_OFFERED;
 *         mtasts_outcome_verdict(outcome, &session, &verdict);
 *         ... verdict.action is MTASTS_ACTION_DELIVER, _DEFER or _DIVERT ...
 *         mtasts_outcome_free(outcome);
 *     } else if (status == MTASTS_E_ADDRESS_LITERAL) {
 *         ... [192.0.2.1] has no policy: deliver as without MTA-STS ...
 *     } else {
 *         ... defer: it is not known whether there is a policy ...
 *     }
 *
 * The domain is in A-labels; mtasts_domain_to_ascii of libmtasts-host converts what people write.
 *
 * In this header, in this order: statuses and versions; mtasts_host, the callbacks, and
 * mtasts_resolve; mtasts_outcome; mtasts_session, mtasts_verdict and their numbers; mtasts_policy;
 * mtasts_config; mtasts_lookup and mtasts_answer, for event loops and callbacks; and what stands
 * alone: certificates, Postfix, records, TLSRPT, and TLS reports, by mtasts_report and
 * mtasts_report_counter. Constants come before all functions.
 *
 * A sender with an event loop drives an mtasts_lookup by mtasts_lookup_poll and
 * mtasts_lookup_submit.
 *
 * Status: functions that return int32_t return MTASTS_OK (0) or one of MTASTS_E_*, unless their
 * comment says otherwise. Numbers never change their meaning. Only MTASTS_E_ADDRESS_LITERAL means
 * that there is no policy; after any other failure of a lookup the mail waits.
 *
 * Ownership: what a function gives by an `out` parameter is freed by the _free function of its
 * type, which does nothing for NULL; after a failure `*out` is NULL. Strings that come out belong
 * to the handle they came from and live as long. What goes in is borrowed for the call.
 *
 * Structs: set `size` to the sizeof of the struct, and members you do not use to 0: that is the
 * default, and never the less safe choice. Later versions add members at the end only.
 *
 * Leaving: do not leave a call or a callback by longjmp, pthread_cancel or a C++ exception.
 *
 * Threads: the library has no global state, threads or descriptors. A pointer to const may be used
 * by several threads at once, another by one at a time. It may be used after a fork.
 *
 * Failure: no entry lets a panic out or prints anything. After MTASTS_E_INTERNAL free the handle.
 * Only where memory runs out does the library abort the process, with a line on descriptor 2.
 *
 * Misuse: NULL where a comment does not allow it, a length that no memory has, such as (size_t)-1, and a
 * struct of no version are errors. What C cannot tell, a handle that was freed or is none, is not seen.
 */
#ifndef MTASTS_H
#define MTASTS_H


#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/** The version of this header as one number. */
#define MTASTS_VERSION_NUMBER                                                                      \
    ((MTASTS_VERSION_MAJOR << 16) | (MTASTS_VERSION_MINOR << 8) | MTASTS_VERSION_PATCH)

/** Whether this header is of version `major`.`minor` or later. */
#define MTASTS_PREREQ(major, minor) (MTASTS_VERSION_NUMBER >= (((major) << 16) | ((minor) << 8)))


/**
 * Success.
 */
#define MTASTS_OK 0

/**
 * A parameter is NULL that must not be, or is not one of its legal values.
 */
#define MTASTS_E_ARGUMENT 1

/**
 * A struct's `size` is smaller than the first version of that struct, or 64 KiB and more, as where it
 * was never set; or the struct is of a later version than the library, and sets what the library does
 * not know.
 */
#define MTASTS_E_SIZE 2

/**
 * A bug in the library was met and contained. The handle in use is out of order: free it.
 */
#define MTASTS_E_INTERNAL 3

/**
 * More data than the limit allows.
 */
#define MTASTS_E_TOO_LARGE 4

/**
 * Not a host name in A-labels. Never read this as "no policy".
 */
#define MTASTS_E_DOMAIN 5

/**
 * The domain is an address literal such as `[192.0.2.1]`, which has no policy: deliver as
 * without MTA-STS.
 */
#define MTASTS_E_ADDRESS_LITERAL 6

/**
 * The policy breaks the grammar.
 */
#define MTASTS_E_POLICY 7

/**
 * No record, several, or one that breaks the grammar: all as good as none.
 */
#define MTASTS_E_RECORD 8

/**
 * The answer belongs to no request that is open; nothing has changed.
 */
#define MTASTS_E_STALE_REQUEST 9

/**
 * The lookup has its outcome and takes no more answers.
 */
#define MTASTS_E_FINISHED 10

/**
 * The lookup has no outcome yet.
 */
#define MTASTS_E_UNFINISHED 11

/**
 * The certificate cannot be read.
 */
#define MTASTS_E_CERTIFICATE 12

/**
 * The certificate is not valid for the name.
 */
#define MTASTS_E_HOST_MISMATCH 13

/**
 * The library is older than what the program needs.
 */
#define MTASTS_E_VERSION 14

/**
 * The TLS report cannot be read.
 */
#define MTASTS_E_REPORT 15

/**
 * The version of this header. `MTASTS_PREREQ(major, minor)` tests it.
 */
#define MTASTS_VERSION_MAJOR 0

/**
 * See MTASTS_VERSION_MAJOR.
 */
#define MTASTS_VERSION_MINOR 1

/**
 * See MTASTS_VERSION_MAJOR.
 */
#define MTASTS_VERSION_PATCH 0

/**
 * The version of the ABI that this header describes: the number in the library's file name.
 */
#define MTASTS_ABI_VERSION 0

/**
 * Levels of `log`: those of syslog. Something is broken.
 */
#define MTASTS_LOG_ERROR 3

/**
 * Something failed that the operator may want to look at.
 */
#define MTASTS_LOG_WARNING 4

/**
 * Normal, and worth a line.
 */
#define MTASTS_LOG_INFO 6

/**
 * There is no policy: deliver as if the domain had none.
 */
#define MTASTS_BASIS_NO_POLICY 0

/**
 * The policy comes from the store.
 */
#define MTASTS_BASIS_CACHED 1

/**
 * The policy was fetched just now.
 */
#define MTASTS_BASIS_FRESH 2

/**
 * The policy is the sending host's operator's own.
 */
#define MTASTS_BASIS_LOCAL 3

/**
 * All went well.
 */
#define MTASTS_REASON_NONE 0

/**
 * The policy is larger than allowed.
 */
#define MTASTS_REASON_BODY_TOO_LARGE 1

/**
 * No connection to the policy host.
 */
#define MTASTS_REASON_CONNECT 2

/**
 * The answer to the TXT query was malformed.
 */
#define MTASTS_REASON_DNS_PERMANENT 3

/**
 * The TXT record could not be looked up for now.
 */
#define MTASTS_REASON_DNS_TEMPORARY 4

/**
 * Fetched too often in the last five minutes.
 */
#define MTASTS_REASON_FETCH_LIMIT 5

/**
 * The fetch failed in some other way.
 */
#define MTASTS_REASON_FETCH_OTHER 6

/**
 * The reply is not text/plain.
 */
#define MTASTS_REASON_MEDIA_TYPE 7

/**
 * There is no TXT record.
 */
#define MTASTS_REASON_NO_RECORD 8

/**
 * The policy host has no address.
 */
#define MTASTS_REASON_POLICY_HOST_DNS 9

/**
 * The policy breaks the grammar.
 */
#define MTASTS_REASON_POLICY_INVALID 10

/**
 * The TXT record breaks the grammar, which is as good as none.
 */
#define MTASTS_REASON_RECORD_INVALID 11

/**
 * There is more than one TXT record, which is as good as none.
 */
#define MTASTS_REASON_SEVERAL_RECORDS 12

/**
 * The reply's status is not 200; `http_status` says which it is.
 */
#define MTASTS_REASON_STATUS 13

/**
 * The store could not be read, so that a cached policy may exist.
 */
#define MTASTS_REASON_STORE_FAILED 14

/**
 * The fetch took too long.
 */
#define MTASTS_REASON_TIMEOUT 15

/**
 * The policy host's certificate is not valid for it.
 */
#define MTASTS_REASON_WEBPKI 16

/**
 * This machine lacks something that a look-up needs: descriptors, memory.
 */
#define MTASTS_REASON_LOCAL_FAILURE 17

/**
 * Not yet connected: the verdict says whether the host is worth a try.
 */
#define MTASTS_TLS_NOT_TRIED 0

/**
 * The server offers no STARTTLS, or refused it.
 */
#define MTASTS_TLS_NOT_OFFERED 1

/**
 * STARTTLS began and no session of TLS 1.2 or later came of it.
 */
#define MTASTS_TLS_FAILED 2

/**
 * TLS stands.
 */
#define MTASTS_TLS_ESTABLISHED 3

/**
 * The certificate has not been checked, which counts as one that is no good.
 */
#define MTASTS_CERTIFICATE_UNCHECKED 0

/**
 * Chains to a trusted root, is in time, and is valid for the name in the MX record.
 */
#define MTASTS_CERTIFICATE_VALID 1

/**
 * Not valid now.
 */
#define MTASTS_CERTIFICATE_EXPIRED 2

/**
 * Valid for other names.
 */
#define MTASTS_CERTIFICATE_HOST_MISMATCH 3

/**
 * Unreadable, none shown, or not for servers.
 */
#define MTASTS_CERTIFICATE_INVALID 4

/**
 * No chain to a trusted root.
 */
#define MTASTS_CERTIFICATE_NOT_TRUSTED 5

/**
 * The sender does no DANE, or the MX host has no secure TLSA records.
 */
#define MTASTS_DANE_NOT_USED 0

/**
 * The TLSA records could not be looked up: SERVFAIL, bogus, time-out.
 */
#define MTASTS_DANE_LOOKUP_FAILED 1

/**
 * Secure TLSA records, none of which can be used.
 */
#define MTASTS_DANE_UNUSABLE 2

/**
 * Usable TLSA records; TLS has not been tried.
 */
#define MTASTS_DANE_USABLE 3

/**
 * Usable TLSA records, and the certificate matches one.
 */
#define MTASTS_DANE_PASSED 4

/**
 * Usable TLSA records, and the certificate matches none.
 */
#define MTASTS_DANE_FAILED 5

/**
 * Not to this host, and never in the clear: on to the next MX host in the usual order. When none
 * is left: a transient failure.
 */
#define MTASTS_ACTION_DEFER 0

/**
 * Go on: connect, or send.
 */
#define MTASTS_ACTION_DELIVER 1

/**
 * Not to this host; a configured fallback route, a policy domain of its own, may take the mail.
 */
#define MTASTS_ACTION_DIVERT 2

/**
 * Nothing is wrong.
 */
#define MTASTS_CAUSE_NONE 0

/**
 * The certificate is not valid now.
 */
#define MTASTS_CAUSE_CERTIFICATE_EXPIRED 1

/**
 * The certificate is for another name.
 */
#define MTASTS_CAUSE_CERTIFICATE_HOST_MISMATCH 2

/**
 * The certificate is no good in some other way.
 */
#define MTASTS_CAUSE_CERTIFICATE_INVALID 3

/**
 * The certificate has no chain to a trusted root.
 */
#define MTASTS_CAUSE_CERTIFICATE_NOT_TRUSTED 4

/**
 * The certificate matches no TLSA record.
 */
#define MTASTS_CAUSE_DANE_FAILED 5

/**
 * The TLSA records could not be looked up.
 */
#define MTASTS_CAUSE_DANE_LOOKUP_FAILED 6

/**
 * The policy does not list the host.
 */
#define MTASTS_CAUSE_MX_NOT_LISTED 7

/**
 * It is not known whether there is a policy.
 */
#define MTASTS_CAUSE_POLICY_UNKNOWN 8

/**
 * The host offers no STARTTLS.
 */
#define MTASTS_CAUSE_STARTTLS_NOT_SUPPORTED 9

/**
 * STARTTLS began and failed.
 */
#define MTASTS_CAUSE_TLS_FAILED 10

/**
 * Do not deliver to hosts that are not as the policy says.
 */
#define MTASTS_MODE_ENFORCE 1

/**
 * Deliver, and report.
 */
#define MTASTS_MODE_TESTING 2

/**
 * As if there were no policy.
 */
#define MTASTS_MODE_NONE 3

/**
 * For `mtasts_policy_parse`: what the engine merely tolerates is an error.
 */
#define MTASTS_PARSE_STRICT 1

/**
 * The lookup wants what the store has of the domain `name`. A host without a store submits an
 * empty answer.
 */
#define MTASTS_STEP_LOAD 1

/**
 * The lookup wants the TXT records of `name`, CNAMEs followed, past any cache of the host's own.
 */
#define MTASTS_STEP_QUERY_TXT 2

/**
 * The lookup wants the reply to GET https://`name``path`: TLS 1.2 or later, SNI and a valid
 * certificate for `name`, no redirect followed, no HTTP cache.
 */
#define MTASTS_STEP_FETCH 3

/**
 * The outcome is there.
 */
#define MTASTS_STEP_DONE 4

/**
 * TXT: the name does not exist or has no TXT records. `mtasts_answer_ttl` may add the
 * negative TTL.
 */
#define MTASTS_TXT_NO_RECORDS 1

/**
 * TXT: the answer is malformed, or the name cannot be asked for.
 */
#define MTASTS_TXT_PERMANENT 2

/**
 * TXT: time-out, SERVFAIL, REFUSED, no network.
 */
#define MTASTS_TXT_TEMPORARY 3

/**
 * HTTPS: the body is larger than `max_body`.
 */
#define MTASTS_FETCH_BODY_TOO_LARGE 4

/**
 * HTTPS: no connection to any address, or the connection broke.
 */
#define MTASTS_FETCH_CONNECT 5

/**
 * HTTPS: the policy host has no address, or it could not be looked up.
 */
#define MTASTS_FETCH_DNS 6

/**
 * HTTPS: anything else.
 */
#define MTASTS_FETCH_OTHER 7

/**
 * HTTPS: the time limit was over.
 */
#define MTASTS_FETCH_TIMEOUT 8

/**
 * HTTPS: the policy host's certificate is not valid for it.
 */
#define MTASTS_FETCH_WEBPKI 9

/**
 * Store: the entry exists, or may exist, and cannot be read for now.
 */
#define MTASTS_STORE_FAILED 10

/**
 * TXT, HTTPS: this machine lacks something: descriptors, memory. It does not count against the
 * domain, and mail waits.
 */
#define MTASTS_LOCAL_FAILURE 11

/**
 * It could not be found out: the mail waits.
 */
#define MTASTS_DOMAIN_DANE_TEMPORARY 0

/**
 * The sender does no DANE, or the MX records are not DNSSEC-secure, or no MX host has usable TLSA
 * records.
 */
#define MTASTS_DOMAIN_DANE_NONE 1

/**
 * The MX records are DNSSEC-secure, and some MX host has usable TLSA records.
 */
#define MTASTS_DOMAIN_DANE_USABLE 2

/**
 * Postfix 3.0 to 3.3; what it reads, every later one reads.
 */
#define MTASTS_POSTFIX_3_0 0

/**
 * Postfix 3.4 to 3.9, which know `servername`.
 */
#define MTASTS_POSTFIX_3_4 1

/**
 * Postfix 3.10 and later, which take what TLSRPT says of the policy.
 */
#define MTASTS_POSTFIX_3_10 2

/**
 * Nothing is told of policies that are not enforced.
 */
#define MTASTS_POSTFIX_LEVEL_NONE 0

/**
 * The smtp_tls_security_level `may`.
 */
#define MTASTS_POSTFIX_LEVEL_MAY 1

/**
 * The smtp_tls_security_level `encrypt`.
 */
#define MTASTS_POSTFIX_LEVEL_ENCRYPT 2

/**
 * It is not known for now what applies: the mail waits. `TEMP ` in the socketmap protocol.
 */
#define MTASTS_POSTFIX_TEMPORARY 0

/**
 * There is a value. `OK ` and the value in the socketmap protocol.
 */
#define MTASTS_POSTFIX_POLICY 1

/**
 * There is none: Postfix goes by its own settings. `NOTFOUND ` in the socketmap protocol.
 */
#define MTASTS_POSTFIX_NOT_FOUND 2

/**
 * The octets that any value and its NUL fit in. With `OK ` before it, that is the longest reply
 * that Postfix takes.
 */
#define MTASTS_POSTFIX_VALUE_SIZE 99998

/**
 * The octets that an id needs: 32 and a NUL.
 */
#define MTASTS_ID_SIZE 33

/**
 * Nothing to report: success, or no policy to report against.
 */
#define MTASTS_RESULT_NONE 0

/**
 * starttls-not-supported
 */
#define MTASTS_RESULT_STARTTLS_NOT_SUPPORTED 1

/**
 * certificate-host-mismatch
 */
#define MTASTS_RESULT_CERTIFICATE_HOST_MISMATCH 2

/**
 * certificate-expired
 */
#define MTASTS_RESULT_CERTIFICATE_EXPIRED 3

/**
 * certificate-not-trusted
 */
#define MTASTS_RESULT_CERTIFICATE_NOT_TRUSTED 4

/**
 * validation-failure; `mtasts_cause_name` gives the reason code.
 */
#define MTASTS_RESULT_VALIDATION_FAILURE 5

/**
 * tlsa-invalid
 */
#define MTASTS_RESULT_TLSA_INVALID 6

/**
 * dnssec-invalid
 */
#define MTASTS_RESULT_DNSSEC_INVALID 7

/**
 * dane-required
 */
#define MTASTS_RESULT_DANE_REQUIRED 8

/**
 * sts-policy-fetch-error
 */
#define MTASTS_RESULT_STS_POLICY_FETCH_ERROR 9

/**
 * sts-policy-invalid
 */
#define MTASTS_RESULT_STS_POLICY_INVALID 10

/**
 * sts-webpki-invalid
 */
#define MTASTS_RESULT_STS_WEBPKI_INVALID 11

/**
 * The octets that any datagram of `mtasts_tlsrpt_datagram` fits in.
 */
#define MTASTS_TLSRPT_DATAGRAM_SIZE 65000

/**
 * A type that RFC 8460 does not have.
 */
#define MTASTS_POLICY_TYPE_OTHER 0

/**
 * tlsa: DANE.
 */
#define MTASTS_POLICY_TYPE_TLSA 1

/**
 * sts: MTA-STS.
 */
#define MTASTS_POLICY_TYPE_STS 2

/**
 * no-policy-found: neither.
 */
#define MTASTS_POLICY_TYPE_NO_POLICY_FOUND 3

/**
 * The report as it is, of media type application/tlsrpt+json.
 */
#define MTASTS_REPORT_JSON 0

/**
 * Compressed by gzip, of media type application/tlsrpt+gzip, which is preferred.
 */
#define MTASTS_REPORT_GZIP 1

/**
 * The octets of JSON that a report may have.
 */
#define MTASTS_REPORT_SIZE 33554432

/**
 * The answer to one question of a lookup: records, a reply, a stored entry, or why there is
 * none. A callback gets one to fill; an event loop makes one by `mtasts_answer_new`. One thread
 * at a time. An answer that was not filled counts as a temporary failure, as a failed fetch, or
 * (for the store) as no entry.
 */
typedef struct mtasts_answer mtasts_answer;

/**
 * The look-up of one domain. One thread at a time.
 */
typedef struct mtasts_lookup mtasts_lookup;

/**
 * What a lookup came to. Immutable: any number of threads may read it and ask it for verdicts.
 */
typedef struct mtasts_outcome mtasts_outcome;

/**
 * A policy. Immutable: any number of threads may read it.
 */
typedef struct mtasts_policy mtasts_policy;

/**
 * A TLS report on one day's sessions with one domain: read by `mtasts_report_parse`, or made by an
 * `mtasts_report_counter`. Immutable: any thread may read it. Its strings are as the sender wrote
 * them, who may be anybody: they may hold NULs and control characters; escape them before they
 * are shown. All are UTF-8.
 */
typedef struct mtasts_report mtasts_report;

/**
 * Sums up sessions by UTC day and domain. One thread at a time. It is in memory alone: a process
 * that ends takes its reports out before, and adds them again when it has been started anew.
 */
typedef struct mtasts_report_counter mtasts_report_counter;

/**
 * A TLSRPT record: where reports about a domain go. Immutable: any thread may read it.
 */
typedef struct mtasts_tlsrpt_record mtasts_tlsrpt_record;

/**
 * A request for a policy. Lent for the call.
 */
typedef struct mtasts_fetch {
  /**
   * `sizeof(mtasts_fetch)`.
   */
  size_t size;
  /**
   * The policy host: SNI, `Host`, and the name for which the certificate must be valid.
   */
  const char *host;
  /**
   * The path.
   */
  const char *path;
  /**
   * The time limit of the whole fetch in milliseconds, slow bodies included.
   */
  uint32_t timeout_ms;
  /**
   * The most octets of body to read.
   */
  size_t max_body;
} mtasts_fetch;

/**
 * What to remember of a domain. Lent for the call.
 */
typedef struct mtasts_saved {
  /**
   * `sizeof(mtasts_saved)`.
   */
  size_t size;
  /**
   * The domain: the key.
   */
  const char *domain;
  /**
   * The entry, a NUL-terminated text that a person can read.
   */
  const char *text;
  /**
   * Its length.
   */
  size_t text_len;
  /**
   * When its policy was fetched, in seconds since 1970 (UTC); 0 without one. An entry that is
   * there already and has a later time, but not one in the future, is to stay.
   */
  uint64_t fetched_at;
  /**
   * From when on the store may drop it.
   */
  uint64_t useless_after;
} mtasts_saved;

/**
 * A host that blocks: what `mtasts_lookup_run` needs. Set every member to 0, then `size` and the
 * callbacks. Callbacks run in the calling thread, only while that function runs, and must not
 * use the lookup. No lock is held meanwhile.
 */
typedef struct mtasts_host {
  /**
   * `sizeof(mtasts_host)`.
   */
  size_t size;
  /**
   * Given to each callback.
   */
  void *user;
  /**
   * Fills `into` with the TXT records of `name`. Required.
   */
  void (*txt)(void *user, const char *name, struct mtasts_answer *into);
  /**
   * Fills `into` with the reply to `request`. Required.
   */
  void (*https)(void *user, const struct mtasts_fetch *request, struct mtasts_answer *into);
  /**
   * Fills `into` with what was last saved of `domain`, by `mtasts_answer_stored`, leaves it
   * empty if there is nothing, or says MTASTS_STORE_FAILED. NULL: no store.
   */
  void (*load)(void *user, const char *domain, struct mtasts_answer *into);
  /**
   * Keeps `entry`. NULL: no store.
   */
  void (*save)(void *user, const struct mtasts_saved *entry);
  /**
   * The wall clock in seconds since 1970 (UTC). Required.
   */
  uint64_t (*now)(void *user);
  /**
   * Takes a line for the log; `level` is one of MTASTS_LOG_*. NULL: no log.
   */
  void (*log)(void *user, int32_t level, const char *message);
} mtasts_host;

/**
 * Settings of a lookup. Set every member to 0, then `size` and what is to differ from the
 * defaults. Where a function takes one, NULL means the defaults.
 */
typedef struct mtasts_config {
  /**
   * `sizeof(mtasts_config)`.
   */
  size_t size;
  /**
   * 1: where the TXT record cannot be looked up for now and no policy is cached, deliveries
   * are deferred. 0: they proceed as without a policy.
   */
  int32_t defer_on_dns_failure;
  /**
   * For which share of the domains, in percent, a blocked delivery is not deferred but
   * diverted (MTASTS_ACTION_DIVERT), while enforcement is being introduced. 0: for none.
   */
  int32_t divert_percent;
  /**
   * Time limit of a whole fetch in milliseconds. 0: 60000.
   */
  uint32_t fetch_timeout_ms;
  /**
   * The least time in seconds for which a TXT record counts.
   */
  uint32_t min_ttl;
  /**
   * The most time in seconds for which a TXT record counts. 0: 86400.
   */
  uint32_t max_ttl;
  /**
   * The most time in seconds for which its absence counts. 0: 3600.
   */
  uint32_t max_negative_ttl;
  /**
   * The TTL in seconds where the host does not tell it. 0: 300.
   */
  uint32_t unknown_ttl;
  /**
   * The age in seconds from which a cached policy is fetched again although its id has not
   * changed, so that it does not run out; less up to a quarter by domain, and at most half of
   * the policy's lifetime. 0: 86400. UINT32_MAX: never.
   */
  uint32_t refresh_after;
  /**
   * The largest policy in octets; at most 65536. 0: that.
   */
  size_t max_body;
} mtasts_config;

/**
 * A string that belongs to a handle and lives as long: NUL-terminated, of `len` octets before
 * the NUL. Never free it. `data` is NULL and `len` 0 where there is none.
 */
typedef struct mtasts_str {
  /**
   * The octets and a NUL.
   */
  const char *data;
  /**
   * Octets before the NUL.
   */
  size_t len;
} mtasts_str;

/**
 * Facts of an outcome. Give it with `size` set.
 */
typedef struct mtasts_outcome_facts {
  /**
   * `sizeof(mtasts_outcome_facts)`.
   */
  size_t size;
  /**
   * Where the policy comes from, one of MTASTS_BASIS_*.
   */
  int32_t basis;
  /**
   * Why there is no policy or no newer one, one of MTASTS_REASON_*.
   */
  int32_t reason;
  /**
   * The reply's status for MTASTS_REASON_STATUS, else 0.
   */
  int32_t http_status;
  /**
   * What to report of the reason, one of MTASTS_RESULT_*.
   */
  int32_t result;
  /**
   * 1 if deliveries are to wait, as it is not known whether there is a policy. Else 0. Ask for
   * the verdict all the same: where DANE decides, the mail need not wait.
   */
  int32_t try_later;
  /**
   * 1 if what `mtasts_outcome_stored` gives is new and is to be saved, else 0.
   * `mtasts_lookup_run` has saved it already.
   */
  int32_t changed;
  /**
   * When the policy was fetched, in seconds since 1970 (UTC); 0 without a policy. For the
   * store: of the stored policy, whether or not it applies.
   */
  uint64_t fetched_at;
  /**
   * When its lifetime ends; 0 without a policy.
   */
  uint64_t expires_at;
  /**
   * From when on a store may drop the entry.
   */
  uint64_t useless_after;
} mtasts_outcome_facts;

/**
 * What is known of the session with one MX host. Set every member to 0, then `size` and what is
 * known.
 */
typedef struct mtasts_session {
  /**
   * `sizeof(mtasts_session)`.
   */
  size_t size;
  /**
   * The name in the MX record or, without MX records, the domain itself. For a null MX
   * (RFC 7505) give ".": no policy lists it, so that a forged one does not have the mail of a
   * protected domain returned.
   */
  const char *mx_host;
  /**
   * One of MTASTS_TLS_*.
   */
  int32_t tls;
  /**
   * One of MTASTS_CERTIFICATE_*; looked at if TLS is established.
   */
  int32_t certificate;
  /**
   * One of MTASTS_DANE_*.
   */
  int32_t dane;
  /**
   * 1 if the MX records (or, without any, the addresses) were DNSSEC-secure, else 0.
   */
  int32_t mx_secure;
} mtasts_session;

/**
 * A verdict on one session, for one domain: a connection that is reused for another domain needs
 * its own. Give it with `size` set.
 */
typedef struct mtasts_verdict {
  /**
   * `sizeof(mtasts_verdict)`.
   */
  size_t size;
  /**
   * One of MTASTS_ACTION_*.
   */
  int32_t action;
  /**
   * What to report, one of MTASTS_RESULT_*; set in mode "testing" too, where mail is delivered
   * all the same.
   */
  int32_t result;
  /**
   * What is wrong, one of MTASTS_CAUSE_*; MTASTS_CAUSE_NONE where nothing is, or the call
   * failed.
   */
  int32_t cause;
} mtasts_verdict;

/**
 * Where and why an input was refused, or tolerated. Give it with `size` set.
 */
typedef struct mtasts_problem {
  /**
   * `sizeof(mtasts_problem)`.
   */
  size_t size;
  /**
   * The octet of the input.
   */
  size_t offset;
  /**
   * Its line, from 1.
   */
  size_t line;
  /**
   * Its column in the line, in characters, from 1.
   */
  size_t column;
  /**
   * One line for a person, NUL-terminated.
   */
  char message[128];
  /**
   * The same as one word for programs, NUL-terminated, such as "mx-missing". A word never
   * changes its meaning; later versions may know more.
   */
  char kind[32];
} mtasts_problem;

/**
 * What a lookup needs now. Give it with `size` set. The strings are lent by the lookup until
 * the next answer is submitted to it.
 */
typedef struct mtasts_step {
  /**
   * `sizeof(mtasts_step)`.
   */
  size_t size;
  /**
   * One of MTASTS_STEP_*.
   */
  int32_t kind;
  /**
   * Goes back with the answer.
   */
  uint32_t request_id;
  /**
   * The name to load, to query, or to fetch from; NULL when done.
   */
  const char *name;
  /**
   * MTASTS_STEP_FETCH: the path; else NULL.
   */
  const char *path;
  /**
   * MTASTS_STEP_FETCH: the time limit of the whole fetch in milliseconds.
   */
  uint32_t timeout_ms;
  /**
   * MTASTS_STEP_FETCH: the most octets of body to read.
   */
  size_t max_body;
} mtasts_step;

/**
 * What the value depends on beside the outcome. Give it with `size` set; members that are 0 are
 * the safe choice, of which `dane` makes all mail wait.
 */
typedef struct mtasts_postfix_style {
  /**
   * `sizeof(mtasts_postfix_style)`.
   */
  size_t size;
  /**
   * What DANE says of the domain as a whole, one of MTASTS_DOMAIN_DANE_*.
   */
  int32_t dane;
  /**
   * Which Postfix reads the value, one of MTASTS_POSTFIX_3_*. An older one refuses the policy.
   */
  int32_t version;
  /**
   * From 3.10 on: the security level of that Postfix for a domain without a policy, so that it
   * reports against policies that are not enforced; one of MTASTS_POSTFIX_LEVEL_*. At these
   * levels it reports an untrusted certificate, and a policy that could not be had, only if its
   * smtp_tls_loglevel has `untrusted`; without it, it reports success.
   */
  int32_t level;
} mtasts_postfix_style;

/**
 * Octets of the caller's, borrowed for a call.
 */
typedef struct mtasts_bytes {
  /**
   * The octets; may be NULL if `len` is 0.
   */
  const void *data;
  /**
   * How many.
   */
  size_t len;
} mtasts_bytes;

/**
 * What a report says of a session beside its result (RFC 8460 section 4.4), as far as it is known.
 * Set every member to 0, then `size` and what is known. Strings may hold any octets; what is not
 * UTF-8 is replaced, and they are cut off after 500 characters.
 */
typedef struct mtasts_tlsrpt_details {
  /**
   * `sizeof(mtasts_tlsrpt_details)`.
   */
  size_t size;
  /**
   * The address that the session came from: "192.0.2.1" or "2001:db8::1". May be NULL.
   */
  const char *sending_mta_ip;
  /**
   * The address that it went to. May be NULL.
   */
  const char *receiving_ip;
  /**
   * How the MX host called itself in its reply to EHLO. May be NULL.
   */
  const char *receiving_mx_helo;
  /**
   * What failed, in the words of the TLS library for instance. NULL: `mtasts_cause_name`.
   */
  const char *failure_reason_code;
  /**
   * A URI that leads to more. May be NULL.
   */
  const char *additional_information;
} mtasts_tlsrpt_details;

/**
 * What a report says of itself. Give it with `size` set.
 */
typedef struct mtasts_report_facts {
  /**
   * `sizeof(mtasts_report_facts)`.
   */
  size_t size;
  /**
   * Who sends the report. Empty where it does not say.
   */
  struct mtasts_str organization_name;
  /**
   * How to reach the sender. Empty where it does not say.
   */
  struct mtasts_str contact_info;
  /**
   * The sender's name for this report.
   */
  struct mtasts_str report_id;
  /**
   * The first second that it is about, since 1970 (UTC).
   */
  uint64_t begin;
  /**
   * The last one.
   */
  uint64_t end;
  /**
   * How many policies there are.
   */
  size_t policy_count;
  /**
   * The domain whose TLSRPT record says where the report goes; none for one that was read.
   */
  struct mtasts_str domain;
} mtasts_report_facts;

/**
 * What was counted against one policy of a report. Give it with `size` set.
 */
typedef struct mtasts_report_policy_facts {
  /**
   * `sizeof(mtasts_report_policy_facts)`.
   */
  size_t size;
  /**
   * The type as the sender wrote it.
   */
  struct mtasts_str type_name;
  /**
   * The domain of the policy; of DANE the TLSA base domain.
   */
  struct mtasts_str domain;
  /**
   * Sessions with TLS as the policy wants it.
   */
  uint64_t successful_sessions;
  /**
   * The others, whether mail was sent in them or not.
   */
  uint64_t failed_sessions;
  /**
   * How many lines or TLSA records of the policy there are: `mtasts_report_policy_string`.
   */
  size_t string_count;
  /**
   * How many MX patterns there are: `mtasts_report_mx_host`.
   */
  size_t mx_host_count;
  /**
   * How many kinds of failure there are: `mtasts_report_failure`.
   */
  size_t failure_count;
  /**
   * The type, one of MTASTS_POLICY_TYPE_*.
   */
  int32_t policy_type;
} mtasts_report_policy_facts;

/**
 * Failures that are alike. There is no string where the report does not say. Give it with `size`
 * set.
 */
typedef struct mtasts_report_failure_facts {
  /**
   * `sizeof(mtasts_report_failure_facts)`.
   */
  size_t size;
  /**
   * How many sessions failed so.
   */
  uint64_t failed_sessions;
  /**
   * The result type as the sender wrote it.
   */
  struct mtasts_str result_type;
  /**
   * The address that the sessions came from.
   */
  struct mtasts_str sending_mta_ip;
  /**
   * The MX host, by its record's name.
   */
  struct mtasts_str receiving_mx_hostname;
  /**
   * How the MX host called itself.
   */
  struct mtasts_str receiving_mx_helo;
  /**
   * The address that they went to.
   */
  struct mtasts_str receiving_ip;
  /**
   * A URI that leads to more.
   */
  struct mtasts_str additional_information;
  /**
   * What exactly failed, in the sender's own words.
   */
  struct mtasts_str failure_reason_code;
  /**
   * The result type, one of MTASTS_RESULT_*; MTASTS_RESULT_NONE for one that RFC 8460 does not
   * have.
   */
  int32_t result;
} mtasts_report_failure_facts;

/**
 * Who reports: strings in UTF-8, none of them NULL. Give it with `size` set.
 */
typedef struct mtasts_report_sender {
  /**
   * `sizeof(mtasts_report_sender)`.
   */
  size_t size;
  /**
   * The organisation, for people.
   */
  const char *organization_name;
  /**
   * How to reach it, such as a mail address.
   */
  const char *contact_info;
  /**
   * The mail server's domain in A-labels, part of each report's id.
   */
  const char *submitter;
} mtasts_report_sender;

/**
 * A line about a status, of this library or of libmtasts-host, for a person.
 *
 * Returns a static string, never NULL; "unknown status" for numbers that are none.
 * Thread-safe.
 */
const char *mtasts_strerror(int32_t status);

/**
 * The version of the library that is loaded, such as "0.1.0". Static, thread-safe.
 */
const char *mtasts_version(void);

/**
 * The version of the ABI of the library that is loaded. Thread-safe.
 */
uint32_t mtasts_abi_version(void);

/**
 * Whether the library that is loaded serves a program that was built with this version of the
 * header; call it as `mtasts_version_check(MTASTS_VERSION_MAJOR, MTASTS_VERSION_MINOR,
 * MTASTS_VERSION_PATCH)` before anything else.
 *
 * Returns MTASTS_OK, or MTASTS_E_VERSION if the library is older. Thread-safe.
 */
int32_t mtasts_version_check(int32_t major, int32_t minor, int32_t patch);

/**
 * Runs a lookup to its end by calling the host, saves what is new, and gives the outcome. Blocks
 * as the callbacks do. On success `*out` is to be freed by `mtasts_outcome_free`.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT (also for a host without a required callback),
 * MTASTS_E_SIZE or MTASTS_E_INTERNAL.
 */
int32_t mtasts_lookup_run(struct mtasts_lookup *lookup,
                          const struct mtasts_host *host,
                          struct mtasts_outcome **out);

/**
 * Looks `domain` up: `mtasts_lookup_new`, `mtasts_lookup_run` and `mtasts_lookup_free` in one.
 * `config` may be NULL. On success `*out` is to be freed by `mtasts_outcome_free`.
 *
 * Returns as those do.
 */
int32_t mtasts_resolve(const char *domain,
                       const struct mtasts_config *config,
                       const struct mtasts_host *host,
                       struct mtasts_outcome **out);

/**
 * Looks again before a message is given up for good: `mtasts_outcome_look_again`,
 * `mtasts_lookup_run` and `mtasts_lookup_free` in one. Where the basis of the new outcome is
 * MTASTS_BASIS_FRESH there is a new policy to try the MX hosts by. `config` may be NULL. On success
 * `*out` is to be freed by `mtasts_outcome_free`, as is `outcome` still.
 *
 * Returns as those do.
 */
int32_t mtasts_resolve_again(const struct mtasts_outcome *outcome,
                             const struct mtasts_config *config,
                             const struct mtasts_host *host,
                             struct mtasts_outcome **out);

/**
 * Frees an outcome; NULL is allowed. Its policy and its strings go with it.
 */
void mtasts_outcome_free(struct mtasts_outcome *outcome);

/**
 * The policy to apply, lent by the outcome; NULL if there is none.
 */
const struct mtasts_policy *mtasts_outcome_policy(const struct mtasts_outcome *outcome);

/**
 * The policy domain, lower-case.
 */
struct mtasts_str mtasts_outcome_domain(const struct mtasts_outcome *outcome);

/**
 * The id of the policy to apply; no string without a policy, and for a local one.
 */
struct mtasts_str mtasts_outcome_id(const struct mtasts_outcome *outcome);

/**
 * One line for a person or a log: without a policy why there is none, with a cached one why there
 * is none that is newer. Empty where all went well; `data` is NULL only for a NULL outcome.
 */
struct mtasts_str mtasts_outcome_explanation(const struct mtasts_outcome *outcome);

/**
 * What to remember of the domain, for hosts that drive a lookup by polling and keep a store of
 * their own: give it to the next lookup of the domain by `mtasts_answer_stored`.
 */
struct mtasts_str mtasts_outcome_stored(const struct mtasts_outcome *outcome);

/**
 * Writes the facts of an outcome to `*facts`, whose `size` is set.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT or MTASTS_E_SIZE.
 */
int32_t mtasts_outcome_get(const struct mtasts_outcome *outcome,
                           struct mtasts_outcome_facts *facts);

/**
 * Judges a session with one MX host: whether it may carry the mail. Allocates no memory.
 *
 * `verdict->size` is set by the caller. Whatever goes wrong, the verdict is MTASTS_ACTION_DEFER
 * if the struct can be written at all.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT for NULL or a member that is none of its values, or
 * MTASTS_E_SIZE.
 */
int32_t mtasts_outcome_verdict(const struct mtasts_outcome *outcome,
                               const struct mtasts_session *session,
                               struct mtasts_verdict *verdict);

/**
 * The word of a basis: "no-policy", "cached", "fresh", "local"; "unknown" for other numbers. Static,
 * thread-safe.
 */
const char *mtasts_basis_name(int32_t basis);

/**
 * The word of a reason, such as "webpki"; "none" and "unknown" for 0 and numbers that are none.
 * Static, thread-safe.
 */
const char *mtasts_reason_name(int32_t reason);

/**
 * The word of a cause, fit for the `failure-reason-code` of a report; "unknown" for numbers that
 * are none. Static, thread-safe.
 */
const char *mtasts_cause_name(int32_t cause);

/**
 * A line about a cause, for a person. Static, thread-safe.
 */
const char *mtasts_cause_text(int32_t cause);

/**
 * A word for a certificate's state: "valid", "expired", "host-mismatch", "invalid",
 * "not-trusted", "unchecked"; "unknown" for other numbers. Static, thread-safe.
 */
const char *mtasts_certificate_name(int32_t certificate);

/**
 * The word of an action: "defer", "deliver", "divert"; "unknown" for numbers that are none.
 * Static, thread-safe.
 */
const char *mtasts_action_name(int32_t action);

/**
 * Reads a policy. The octets are copied.
 *
 * `flags` is 0 or MTASTS_PARSE_STRICT. `problem` may be NULL; after a failure it says what is
 * wrong and where. On success `*out` is the policy, to be freed by `mtasts_policy_free`.
 *
 * Returns MTASTS_OK, MTASTS_E_POLICY, MTASTS_E_ARGUMENT or MTASTS_E_SIZE.
 */
int32_t mtasts_policy_parse(const void *body,
                            size_t len,
                            int32_t flags,
                            struct mtasts_policy **out,
                            struct mtasts_problem *problem);

/**
 * Frees a policy made by `mtasts_policy_parse`; NULL is allowed. Never call it on a policy lent
 * by `mtasts_outcome_policy`.
 */
void mtasts_policy_free(struct mtasts_policy *policy);

/**
 * The mode, one of MTASTS_MODE_*; 0 for NULL.
 */
int32_t mtasts_policy_mode(const struct mtasts_policy *policy);

/**
 * The lifetime in seconds; 0 for NULL.
 */
uint32_t mtasts_policy_max_age(const struct mtasts_policy *policy);

/**
 * The number of MX patterns; 0 for NULL.
 */
size_t mtasts_policy_mx_count(const struct mtasts_policy *policy);

/**
 * The MX pattern number `index`, from 0, in the policy's order: lower-case, without a final dot,
 * `*.` in front where it is a wildcard. No string past the end.
 */
struct mtasts_str mtasts_policy_mx(const struct mtasts_policy *policy, size_t index);

/**
 * The text as it was published.
 */
struct mtasts_str mtasts_policy_text(const struct mtasts_policy *policy);

/**
 * Whether the policy lists `mx_host`, the name in an MX record or, without MX records, the
 * domain itself: 1 if it does, else 0, also for what is no host name. Case and a final dot do
 * not count.
 */
int32_t mtasts_policy_matches(const struct mtasts_policy *policy, const char *mx_host);

/**
 * The number of warnings that parsing gave: what RFC 8461 does not allow and the engine
 * tolerates. 0 for NULL and for policies of an outcome.
 */
size_t mtasts_policy_warning_count(const struct mtasts_policy *policy);

/**
 * The warning number `index`, from 0, in the order of the text.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT past the end, or MTASTS_E_SIZE.
 */
int32_t mtasts_policy_warning(const struct mtasts_policy *policy,
                              size_t index,
                              struct mtasts_problem *out);

/**
 * The word of a mode: "enforce", "testing", "none"; "unknown" for other numbers. Static.
 */
const char *mtasts_mode_name(int32_t mode);

/**
 * Begins the look-up of `domain`: the domain of a recipient's address, or a smart host; in
 * A-labels, any case, with or without a final dot. `config` may be NULL. On success `*out` is to
 * be freed by `mtasts_lookup_free`.
 *
 * Returns MTASTS_OK; MTASTS_E_ADDRESS_LITERAL for `[...]`, which has no policy; MTASTS_E_DOMAIN
 * for what is no host name; MTASTS_E_ARGUMENT or MTASTS_E_SIZE.
 */
int32_t mtasts_lookup_new(const char *domain,
                          const struct mtasts_config *config,
                          struct mtasts_lookup **out);

/**
 * Begins to look again, as a sender must before it gives a message up for good (RFC 8461 section
 * 5.1): the TXT record is queried whatever its TTL, and the policy fetched if the id differs. If
 * what comes of it has the basis MTASTS_BASIS_FRESH there is a new policy to try the MX hosts by.
 * On success `*out` is to be freed by `mtasts_lookup_free`. `config` may be NULL.
 * `mtasts_resolve_again` does it in one call.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT or MTASTS_E_SIZE.
 */
int32_t mtasts_outcome_look_again(const struct mtasts_outcome *outcome,
                                  const struct mtasts_config *config,
                                  struct mtasts_lookup **out);

/**
 * Frees a lookup, in whatever state; NULL is allowed. Outcomes taken from it stay.
 */
void mtasts_lookup_free(struct mtasts_lookup *lookup);

/**
 * Says what the lookup needs now. Changes nothing and may be repeated.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT or MTASTS_E_SIZE.
 */
int32_t mtasts_lookup_poll(const struct mtasts_lookup *lookup, struct mtasts_step *step);

/**
 * Gives the answer to what `mtasts_lookup_poll` asked for. `request_id` is the step's, `now` the
 * wall clock in seconds since 1970 (UTC). The answer stays the caller's and may be freed.
 *
 * Returns MTASTS_OK; MTASTS_E_STALE_REQUEST or MTASTS_E_FINISHED if nothing asks for this
 * answer (any more), and nothing has changed; MTASTS_E_ARGUMENT.
 */
int32_t mtasts_lookup_submit(struct mtasts_lookup *lookup,
                             uint32_t request_id,
                             const struct mtasts_answer *answer,
                             uint64_t now);

/**
 * Gives the outcome of a lookup that is done. `*out` is to be freed by `mtasts_outcome_free`; it
 * does not need the lookup any more.
 *
 * Returns MTASTS_OK, MTASTS_E_UNFINISHED or MTASTS_E_ARGUMENT.
 */
int32_t mtasts_lookup_outcome(const struct mtasts_lookup *lookup, struct mtasts_outcome **out);

/**
 * Makes an empty answer. Free it by `mtasts_answer_free`.
 *
 * Returns MTASTS_OK or MTASTS_E_ARGUMENT.
 */
int32_t mtasts_answer_new(struct mtasts_answer **out);

/**
 * Frees an answer made by `mtasts_answer_new`; NULL is allowed. Never call it on the answer that
 * a callback was given.
 */
void mtasts_answer_free(struct mtasts_answer *answer);

/**
 * Adds one TXT record of `len` octets, its character-strings already concatenated without
 * spaces. The octets are copied.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT, which makes the answer a temporary failure, or
 * MTASTS_E_TOO_LARGE beyond 64 KiB in all, which makes it a permanent one.
 */
int32_t mtasts_answer_txt_record(struct mtasts_answer *answer, const void *text, size_t len);

/**
 * Adds one TXT record in the form that DNS messages have (RDATA): character-strings, each after
 * an octet that says its length. This is what `ns_rr_rdata` gives.
 *
 * Returns as `mtasts_answer_txt_record`; MTASTS_E_ARGUMENT also for malformed RDATA, which makes
 * the answer a permanent failure.
 */
int32_t mtasts_answer_txt_rdata(struct mtasts_answer *answer, const void *rdata, size_t len);

/**
 * Sets the TTL in seconds of the TXT records, the least of all records on the way; with
 * MTASTS_TXT_NO_RECORDS the negative TTL. Without it 5 minutes are taken.
 *
 * Returns MTASTS_OK or MTASTS_E_ARGUMENT.
 */
int32_t mtasts_answer_ttl(struct mtasts_answer *answer, uint32_t seconds);

/**
 * Sets the status code of the HTTPS reply: that of the first reply, as no redirect may be
 * followed.
 *
 * Returns MTASTS_OK, or MTASTS_E_ARGUMENT for what is no status code (100 to 999).
 */
int32_t mtasts_answer_http_status(struct mtasts_answer *answer, int32_t status);

/**
 * Sets the value of the HTTPS reply's `Content-Type`. Where there are several, join them by
 * commas. Octets that are not UTF-8 are replaced, so that the reply is refused.
 *
 * Returns MTASTS_OK, or else MTASTS_E_ARGUMENT, or MTASTS_E_TOO_LARGE beyond 64 KiB: the answer is
 * then MTASTS_FETCH_OTHER.
 */
int32_t mtasts_answer_content_type(struct mtasts_answer *answer, const void *text, size_t len);

/**
 * Adds octets to the HTTPS reply's body, which are copied. Call it as often as data comes.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT: the answer is then MTASTS_FETCH_OTHER, or
 * MTASTS_E_TOO_LARGE beyond 64 KiB in all: it is then MTASTS_FETCH_BODY_TOO_LARGE, and the host may
 * stop reading.
 */
int32_t mtasts_answer_body(struct mtasts_answer *answer, const void *data, size_t len);

/**
 * Sets the stored entry: the octets of the domain's last `mtasts_saved`, which are copied.
 *
 * Returns MTASTS_OK, or else MTASTS_E_ARGUMENT, or MTASTS_E_TOO_LARGE beyond 128 KiB, which no entry
 * has: the answer is then MTASTS_STORE_FAILED.
 */
int32_t mtasts_answer_stored(struct mtasts_answer *answer,
                             const void *text,
                             size_t len);

/**
 * Answers MTASTS_STEP_LOAD with a policy that the operator has written for the domain, as a
 * policy file of RFC 8461: to pin one, to exempt the domain (mode "none"), or to demote it to
 * "testing". The octets are copied. It comes before whatever is stored, and nothing is looked
 * up: the outcome has the basis MTASTS_BASIS_LOCAL. `problem` may be NULL.
 *
 * Returns MTASTS_OK, MTASTS_E_POLICY, MTASTS_E_ARGUMENT or MTASTS_E_SIZE. After a failure the
 * answer is MTASTS_STORE_FAILED: what the operator wanted is not known, and mail waits.
 */
int32_t mtasts_answer_local_policy(struct mtasts_answer *answer,
                                   const void *text,
                                   size_t len,
                                   struct mtasts_problem *problem);

/**
 * Says why there is no answer: one of MTASTS_TXT_*, MTASTS_FETCH_*,
 * MTASTS_STORE_FAILED and MTASTS_LOCAL_FAILURE.
 *
 * Returns MTASTS_OK, or MTASTS_E_ARGUMENT for another number.
 */
int32_t mtasts_answer_fail(struct mtasts_answer *answer, int32_t failure);

/**
 * Checks that a certificate (X.509 version 3, DER) is valid for `host_name`: the name in the MX
 * record, never the name of a CNAME's target or of an address. Only DNS names of the subject
 * alternative name count, never the common name; a wildcard stands for the whole left-most
 * label, with at least two labels after it. The chain and the dates are not looked at: that is
 * the TLS library's matter, or that of `mtasts_default_host_verify`.
 *
 * Returns MTASTS_OK, MTASTS_E_HOST_MISMATCH, MTASTS_E_CERTIFICATE if it cannot be read,
 * MTASTS_E_DOMAIN if `host_name` is no host name, or MTASTS_E_ARGUMENT. Thread-safe.
 */
int32_t mtasts_certificate_check_name(const void *der, size_t len, const char *host_name);

/**
 * Finds what Postfix's table smtp_tls_policy_maps has for the domain of `outcome`: sets `*found`
 * to one of MTASTS_POSTFIX_TEMPORARY, _POLICY and _NOT_FOUND, and for _POLICY writes the value
 * and a NUL to `buffer`, which has room for `capacity` octets; MTASTS_POSTFIX_VALUE_SIZE always
 * suffice. `*length`, unless `length` is NULL, becomes the number of octets before the NUL.
 *
 * Whatever goes wrong, `*found` is MTASTS_POSTFIX_TEMPORARY and the string in `buffer` empty, as
 * far as they can be written.
 *
 * Returns MTASTS_OK; MTASTS_E_TOO_LARGE if `buffer` is too small, and `*length` says what it
 * needs without the NUL; MTASTS_E_ARGUMENT for NULL or a member that is none of its values; or
 * MTASTS_E_SIZE.
 */
int32_t mtasts_postfix_policy(const struct mtasts_outcome *outcome,
                              const struct mtasts_postfix_style *style,
                              int32_t *found,
                              char *buffer,
                              size_t capacity,
                              size_t *length);

/**
 * The domain that a key of smtp_tls_policy_maps names, to give to a lookup: `example.com`,
 * `[example.com]`, `example.com:25`, `[example.com]:submission`. It and a NUL go to `domain`,
 * which has room for `capacity` octets; it is not longer than the key. Its case and its U-labels
 * stay as they are.
 *
 * Returns MTASTS_OK; MTASTS_E_ADDRESS_LITERAL if the key names nothing that a policy can be for,
 * but an address, a parent domain (`.example.com`) or the path of a socket: answer that nothing
 * was found; MTASTS_E_DOMAIN, MTASTS_E_TOO_LARGE or MTASTS_E_ARGUMENT. Thread-safe.
 */
int32_t mtasts_postfix_next_hop(const char *key, char *domain, size_t capacity);

/**
 * Picks the one legal record among `count` TXT records, each with its strings concatenated, and
 * writes its id and a NUL to `id`, which has room for MTASTS_ID_SIZE octets. `problem` may be
 * NULL; its offset refers to the record that was taken for it, whatever came before.
 *
 * Returns MTASTS_OK, MTASTS_E_RECORD, MTASTS_E_ARGUMENT or MTASTS_E_SIZE. Thread-safe.
 */
int32_t mtasts_record_select(const struct mtasts_bytes *records,
                             size_t count,
                             char *id,
                             struct mtasts_problem *problem);

/**
 * The name of a result type by RFC 8460 section 4.3; "none" for MTASTS_RESULT_NONE, "unknown"
 * for numbers that are none.
 * Static, thread-safe.
 */
const char *mtasts_result_name(int32_t result);

/**
 * Picks the one legal record among `count` TXT records of `_smtp._tls.<domain>`, each with its
 * strings concatenated. The octets are copied. `problem` may be NULL. On success `*out` is to be
 * freed by `mtasts_tlsrpt_record_free`.
 *
 * Returns MTASTS_OK, MTASTS_E_RECORD, MTASTS_E_ARGUMENT or MTASTS_E_SIZE.
 */
int32_t mtasts_tlsrpt_record_select(const struct mtasts_bytes *records,
                                    size_t count,
                                    struct mtasts_tlsrpt_record **out,
                                    struct mtasts_problem *problem);

/**
 * Frees a record; NULL is allowed.
 */
void mtasts_tlsrpt_record_free(struct mtasts_tlsrpt_record *record);

/**
 * The number of `mailto:` and `https:` URIs; 0 for NULL.
 */
size_t mtasts_tlsrpt_record_rua_count(const struct mtasts_tlsrpt_record *record);

/**
 * The URI number `index`, from 0, in the record's order. No string past the end.
 */
struct mtasts_str mtasts_tlsrpt_record_rua(const struct mtasts_tlsrpt_record *record, size_t index);

/**
 * Writes what a session came to, as libtlsrpt tells it to a collector such as tlsrpt-collectd of
 * tlsrpt-reporter: one datagram for its Unix socket, see `mtasts_default_host_tlsrpt_send`. Call it
 * once for a session, when no more comes to be known of its TLS, with the same `outcome` and
 * `session` as for the verdict; the mode "testing" makes no difference.
 *
 * `record` is the one of the outcome's domain: a domain without one wants no reports. `details` may
 * be NULL. The datagram goes to `buffer`, which has room for `capacity` octets;
 * MTASTS_TLSRPT_DATAGRAM_SIZE always suffice. `*length` becomes its length, or 0 if there is
 * nothing to report: there was no session yet, the policy is of mode "none" or the operator's own,
 * or it is not known whether there is one.
 *
 * Returns MTASTS_OK; MTASTS_E_TOO_LARGE if `buffer` is too small, and `*length` says what it needs,
 * or with `*length` 0 if the record is too large for any datagram; MTASTS_E_ARGUMENT for NULL or a
 * member that is none of its values; or MTASTS_E_SIZE. `*length` is 0 after other failures.
 */
int32_t mtasts_tlsrpt_datagram(const struct mtasts_outcome *outcome,
                               const struct mtasts_session *session,
                               const struct mtasts_tlsrpt_record *record,
                               const struct mtasts_tlsrpt_details *details,
                               void *buffer,
                               size_t capacity,
                               size_t *length);

/**
 * Reads the `len` octets of a report's JSON; whoever has it in gzip unpacks it before, no further
 * than MTASTS_REPORT_SIZE. What is read is copied, and takes some twenty times as much memory at
 * most. `problem` may be NULL; its `message` may quote the report, in ASCII, and its `line` and
 * `column` are 0 where the report as a whole is meant. On success `*out` is to be freed by
 * `mtasts_report_free`.
 *
 * Members that the schema does not know are passed over, types that it does not know are kept as
 * strings, and what senders are known to leave out may be missing.
 *
 * Returns MTASTS_OK, MTASTS_E_REPORT, MTASTS_E_TOO_LARGE, MTASTS_E_ARGUMENT or MTASTS_E_SIZE.
 */
int32_t mtasts_report_parse(const void *json,
                            size_t len,
                            struct mtasts_report **out,
                            struct mtasts_problem *problem);

/**
 * Frees a report; NULL is allowed.
 */
void mtasts_report_free(struct mtasts_report *report);

/**
 * Writes what the report says of itself to `out`.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT or MTASTS_E_SIZE.
 */
int32_t mtasts_report_get(const struct mtasts_report *report, struct mtasts_report_facts *out);

/**
 * Writes what was counted against the policy number `policy`, from 0, to `out`.
 *
 * Returns MTASTS_OK; MTASTS_E_ARGUMENT for NULL and past the end; or MTASTS_E_SIZE.
 */
int32_t mtasts_report_policy(const struct mtasts_report *report,
                             size_t policy,
                             struct mtasts_report_policy_facts *out);

/**
 * The line of MTA-STS or TLSA record number `index`, from 0, of the policy number `policy`. No
 * string past the end.
 */
struct mtasts_str mtasts_report_policy_string(const struct mtasts_report *report,
                                              size_t policy,
                                              size_t index);

/**
 * The pattern of MX hosts number `index`, from 0, of the policy number `policy`. No string past
 * the end.
 */
struct mtasts_str mtasts_report_mx_host(const struct mtasts_report *report,
                                        size_t policy,
                                        size_t index);

/**
 * Writes the failures number `index`, from 0, of the policy number `policy` to `out`.
 *
 * Returns MTASTS_OK; MTASTS_E_ARGUMENT for NULL and past the end; or MTASTS_E_SIZE.
 */
int32_t mtasts_report_failure(const struct mtasts_report *report,
                              size_t policy,
                              size_t index,
                              struct mtasts_report_failure_facts *out);

/**
 * The report as JSON in one line, to be sent as MTASTS_REPORT_JSON or, compressed, as
 * MTASTS_REPORT_GZIP. Made when it is first asked for.
 */
struct mtasts_str mtasts_report_json(const struct mtasts_report *report);

/**
 * The name of the report's file (RFC 8460 section 5.1), such as
 * "sender.example!example.com!1767225600!1767311999.json.gz", and a NUL go to `buffer`, which has
 * room for `capacity` octets; 600 suffice without `unique`. `submitter` is the sender's domain,
 * `domain` the one that the report is about. `unique` tells apart those that otherwise have the
 * same name: letters and digits, or NULL. `format` is one of MTASTS_REPORT_JSON and _GZIP.
 *
 * Returns MTASTS_OK, MTASTS_E_DOMAIN, MTASTS_E_ADDRESS_LITERAL, MTASTS_E_TOO_LARGE or
 * MTASTS_E_ARGUMENT. The string in `buffer` is empty after a failure.
 */
int32_t mtasts_report_file_name(const struct mtasts_report *report,
                                const char *submitter,
                                const char *domain,
                                const char *unique,
                                int32_t format,
                                char *buffer,
                                size_t capacity);

/**
 * The name of a policy type by RFC 8460 section 4.4; "unknown" for numbers that are none. Static,
 * thread-safe.
 */
const char *mtasts_policy_type_name(int32_t policy_type);

/**
 * Makes a counter that has counted nothing. `*out` is to be freed by `mtasts_report_counter_free`.
 *
 * Returns MTASTS_OK or MTASTS_E_ARGUMENT.
 */
int32_t mtasts_report_counter_new(struct mtasts_report_counter **out);

/**
 * Frees a counter with all it has counted; NULL is allowed.
 */
void mtasts_report_counter_free(struct mtasts_report_counter *counter);

/**
 * Counts one session at the time `now`, in seconds since 1970 (UTC). Call it once for a session,
 * when no more comes to be known of its TLS, with the same `outcome` and `session` as for the
 * verdict, and for domains with a TLSRPT record alone: no others want reports. `details` may be
 * NULL. Where there is nothing to report, as `mtasts_tlsrpt_datagram` says, nothing is counted.
 *
 * Returns MTASTS_OK; MTASTS_E_ARGUMENT for NULL or a member that is none of its values; or
 * MTASTS_E_SIZE.
 */
int32_t mtasts_report_counter_session(struct mtasts_report_counter *counter,
                                      uint64_t now,
                                      const struct mtasts_outcome *outcome,
                                      const struct mtasts_session *session,
                                      const struct mtasts_tlsrpt_details *details);

/**
 * Adds what `report` has counted to the day that it is about: one that another process has made,
 * or this one before it was started anew. `domain` is the one whose TLSRPT record asks for it.
 *
 * Returns MTASTS_OK; MTASTS_E_DOMAIN or MTASTS_E_ADDRESS_LITERAL for `domain`, and MTASTS_E_DOMAIN
 * if a policy's domain is no name, with nothing added; or MTASTS_E_ARGUMENT.
 */
int32_t mtasts_report_counter_add(struct mtasts_report_counter *counter,
                                  const char *domain,
                                  const struct mtasts_report *report);

/**
 * Takes out one report on a day that was over at `now`, in seconds since 1970 (UTC), in the order
 * of days, then domains; `*out` is NULL with MTASTS_OK if there is no more. With UINT64_MAX, today
 * too is over: for a process that ends. `*out` is to be freed by `mtasts_report_free`; the member
 * `domain` of its facts says whose it is, and it is counted no longer. Call it until there is no
 * more, with the same `sender`.
 *
 * Returns MTASTS_OK; MTASTS_E_ARGUMENT; MTASTS_E_DOMAIN or MTASTS_E_ADDRESS_LITERAL for
 * `submitter`; or MTASTS_E_SIZE.
 */
int32_t mtasts_report_counter_take(struct mtasts_report_counter *counter,
                                   uint64_t now,
                                   const struct mtasts_report_sender *sender,
                                   struct mtasts_report **out);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MTASTS_H */
