/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libmtasts-host: DNS, HTTPS, certificate chains and the shared policy store for programs that use
 * libmtasts and have none of their own. Made by cbindgen from host/src/capi; do not edit.
 *
 *     mtasts_default_host_options options = {0};
 *     mtasts_default_host *host;
 *     char error[256];
 *     options.size = sizeof options;
 *     options.store = "/var/lib/mtasts";
 *     if (mtasts_default_host_open(&options, &host, error, sizeof error) == MTASTS_OK) {
 *         mtasts_outcome *outcome;
 *         if (mtasts_resolve("example.com", NULL, mtasts_default_host_callbacks(host), &outcome)
 *             == MTASTS_OK) {
 *             ... as mtasts.h says ...
 *         }
 *         mtasts_default_host_close(host);
 *     }
 *
 * The rules of mtasts.h hold here too: status, ownership, structs, threads, failure.
 *
 * Time: calls that ask the network block. One DNS question takes dns_timeout_ms at most, a fetch the
 * fetch_timeout_ms of mtasts_config, and mtasts_resolve one question and one fetch, thus 80 seconds
 * by default. Saving waits for the disk, and for other processes that save.
 *
 * Processes: between calls there are no threads, and no descriptors but the store's, so that a process
 * may fork at any time; a call needs some eight descriptors. A child opens the store anew when it
 * first uses it: the store's path must then still lead there, and the child's user be in the store's
 * group. Where that is not so, what the store has is not known, and mail for which the network has no
 * policy either waits; the log says why. A process without forks may chroot and change its user after
 * opening the host. Name servers and trusted roots are read when the host is opened, never again: a
 * daemon opens a new host now and then, and closes the old one when no thread uses it. Local policies
 * are read then too, and again by mtasts_default_host_reread; a child of a fork has those that its
 * parent had, until it reads them itself.
 *
 * Signals: no call raises SIGPIPE. Calls go on after signals (EINTR). Do not leave a call by longjmp,
 * pthread_cancel or a C++ exception, nor a callback.
 *
 * Memory: the store takes 16 GiB of address space, though not of memory; RLIMIT_AS must allow it. A
 * process whose RLIMIT_FSIZE the store outgrows gets SIGXFSZ. All processes that share a store are of
 * one PID namespace and one machine: no network file systems.
 *
 * Environment: no option comes from a variable, and none changes what the library trusts.
 */
#ifndef MTASTS_HOST_H
#define MTASTS_HOST_H


#include <stddef.h>
#include <stdint.h>
#include "mtasts.h"

#ifdef __cplusplus
extern "C" {
#endif


/**
 * Room for every domain and its NUL.
 */
#define MTASTS_DOMAIN_SIZE 254

/**
 * The policy store cannot be opened, read or written.
 */
#define MTASTS_HOST_E_STORE 100

/**
 * The trusted roots cannot be read, or there are none.
 */
#define MTASTS_HOST_E_CA_FILE 101

/**
 * The resolver's configuration cannot be read, or a name server is no address.
 */
#define MTASTS_HOST_E_RESOLVER 102

/**
 * DNS: time-out, SERVFAIL, REFUSED, no network. Another try may do better.
 */
#define MTASTS_HOST_E_DNS_TEMPORARY 103

/**
 * DNS: the answer is malformed or a loop of CNAMEs, or the name cannot be asked for.
 */
#define MTASTS_HOST_E_DNS_PERMANENT 104

/**
 * DNS: the name does not exist or has no such records.
 */
#define MTASTS_HOST_E_NO_RECORDS 105

/**
 * A local policy is not legal, or their folder cannot be read.
 */
#define MTASTS_HOST_E_LOCAL_POLICIES 106

/**
 * The TLSRPT collector does not take the datagram: it is not there, or has not kept up.
 */
#define MTASTS_HOST_E_TLSRPT 107

/**
 * The addresses of a host, IPv4 first. Immutable; any thread may read it.
 */
typedef struct mtasts_address_list mtasts_address_list;

/**
 * What DANE has of one MX host. Immutable; any thread may read it, and it does not need the host
 * that it came from.
 */
typedef struct mtasts_dane mtasts_dane;

/**
 * The default host: DNS, HTTPS, certificate chains, a clock, and a policy store that all
 * processes of a machine share. Any thread may use it, several at a time; it may be used in a
 * child after a fork, and after chroot. Between calls it has no threads, and no descriptors but
 * the store's.
 */
typedef struct mtasts_default_host mtasts_default_host;

/**
 * Names of domains. Immutable; any thread may read it.
 */
typedef struct mtasts_domain_list mtasts_domain_list;

/**
 * The MX hosts of a domain, the most preferred first. Immutable; any thread may read it.
 */
typedef struct mtasts_mx_list mtasts_mx_list;

/**
 * A certificate, DER.
 */
typedef struct mtasts_der {
  /**
   * The octets.
   */
  const void *data;
  /**
   * How many.
   */
  size_t len;
} mtasts_der;

/**
 * Options of `mtasts_default_host_open`. Set `size` and what you need, and the rest to 0.
 */
typedef struct mtasts_default_host_options {
  /**
   * `sizeof(mtasts_default_host_options)`.
   */
  size_t size;
  /**
   * The recursive name servers to ask, in this order: "192.0.2.1", "192.0.2.1:53",
   * "2001:db8::1" or "[2001:db8::1]:53". None: those of the system's configuration.
   */
  const char *const *nameservers;
  /**
   * How many.
   */
  size_t nameserver_count;
  /**
   * A file of PEM certificates to trust instead of the system's roots. NULL: those.
   */
  const char *ca_file;
  /**
   * The directory of the policy store, which must exist; setgid and writable for the group
   * of all users that take part. NULL: nothing is stored.
   */
  const char *store;
  /**
   * The port of policy hosts, for tests. 0: 443.
   */
  uint16_t https_port;
  /**
   * Not 0: connect to addresses that are not global, too. For tests.
   */
  int32_t allow_non_global;
  /**
   * The time limit of one DNS question in milliseconds, all name servers together. 0: 20000.
   */
  uint32_t dns_timeout_ms;
  /**
   * The time limit in milliseconds for connecting to one address of a policy host, TLS
   * included. 0: 15000.
   */
  uint32_t connect_timeout_ms;
  /**
   * Not 0: DANE (RFC 7672) goes before MTA-STS. Set it only where every name server validates
   * (DNSSEC) and nobody can come between it and this host, for its word is believed: best one
   * on this machine. Where they do not validate there is no DANE, and the log says so once.
   */
  int32_t dane;
  /**
   * Takes messages for the administrator; `level` is one of MTASTS_LOG_*, `message` one line
   * that is borrowed for the call. It may be called from any thread that uses the host, and
   * must not use the host itself. NULL: no messages.
   */
  void (*log)(void *user, int32_t level, const char *message);
  /**
   * Given to `log`.
   */
  void *log_user;
  /**
   * The folder of the operator's own policies, which come before what domains publish: RFC 8461
   * policy files named "example.com.txt", to pin a policy, to exempt a domain (mode "none") or to
   * demote it (mode "testing"). Files with other endings, hidden files and sub-folders are passed
   * over. One that is not legal is an error. NULL: there are none.
   */
  const char *local_policies;
  /**
   * The Unix socket of the TLSRPT collector, such as tlsrpt-collectd of tlsrpt-reporter, for
   * `mtasts_default_host_tlsrpt_send`. It is looked for when something is sent, thus after chroot
   * in the new root directory. NULL: there is none.
   */
  const char *tlsrpt_socket;
} mtasts_default_host_options;

/**
 * Looks up the addresses of `host_name`, a name in A-labels such as an MX record has, whether
 * global or not. Blocks, for 20 s at most.
 *
 * On success `*out` is to be freed by `mtasts_address_list_free`; else it is NULL.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN, MTASTS_HOST_E_NO_RECORDS,
 * MTASTS_HOST_E_DNS_TEMPORARY, MTASTS_HOST_E_DNS_PERMANENT or MTASTS_E_INTERNAL. Thread-safe.
 */
int32_t mtasts_default_host_addresses(const struct mtasts_default_host *host,
                                      const char *host_name,
                                      struct mtasts_address_list **out);

/**
 * How many addresses there are; 0 for NULL.
 */
size_t mtasts_address_list_count(const struct mtasts_address_list *list);

/**
 * An address, counted from 0, as text: "192.0.2.1" or "2001:db8::1". It belongs to the list and
 * lives as long. NULL beyond the end.
 */
const char *mtasts_address_list_text(const struct mtasts_address_list *list, size_t index);

/**
 * Frees a list; NULL does nothing.
 */
void mtasts_address_list_free(struct mtasts_address_list *list);

/**
 * Judges the chain that an MX host showed, its own certificate first, for `host_name`: the name
 * in the MX record, never the name of a CNAME's target or of an address. The chain must lead to
 * one of the host's roots, be valid now, and be for servers; only DNS names of the subject
 * alternative name count. Revocation is not checked. No I/O.
 *
 * On success `*certificate` is one of MTASTS_CERTIFICATE_*, as `mtasts_session` takes it; no
 * certificate at all is MTASTS_CERTIFICATE_INVALID, and so is any failure.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN if `host_name` is not even UTF-8, or
 * MTASTS_E_INTERNAL. Thread-safe.
 */
int32_t mtasts_default_host_verify(const struct mtasts_default_host *host,
                                   const struct mtasts_der *chain,
                                   size_t count,
                                   const char *host_name,
                                   int32_t *certificate);

/**
 * Looks up the TLSA records of `mx_host`, the name in the MX record or, without MX records, the
 * domain itself. Blocks, for 20 s at most. A look-up that fails is a status of what is handed
 * out, MTASTS_DANE_LOOKUP_FAILED, and no failure of this call; without the option `dane` nothing
 * is looked up and the status is MTASTS_DANE_NOT_USED.
 *
 * On success `*out` is to be freed by `mtasts_dane_free`; else it is NULL.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN if `mx_host` is not even UTF-8, or
 * MTASTS_E_INTERNAL. Thread-safe.
 */
int32_t mtasts_default_host_dane(const struct mtasts_default_host *host,
                                 const char *mx_host,
                                 struct mtasts_dane **out);

/**
 * What to say of the host in `mtasts_session` before TLS: MTASTS_DANE_NOT_USED,
 * MTASTS_DANE_LOOKUP_FAILED, MTASTS_DANE_UNUSABLE or MTASTS_DANE_USABLE.
 * MTASTS_DANE_LOOKUP_FAILED for NULL.
 */
int32_t mtasts_dane_status(const struct mtasts_dane *dane);

/**
 * The name to send to the host in TLS (SNI) if the status is MTASTS_DANE_USABLE (RFC 7672 section
 * 8.1). It belongs to `dane` and lives as long. NULL for another status.
 */
const char *mtasts_dane_server_name(const struct mtasts_dane *dane);

/**
 * What to say of the host in `mtasts_session` once TLS stands and it showed `chain`, its own
 * certificate first: if the status is MTASTS_DANE_USABLE, `*status` is MTASTS_DANE_PASSED or
 * MTASTS_DANE_FAILED, and else the status as it was. No I/O.
 *
 * `next_hop` is the domain of the mail, in A-labels, if `mtasts_mx_list_is_secure` is 1, and else
 * NULL: with a trust anchor (DANE-TA) a certificate for the domain is as good as one for the MX
 * host, unless somebody else may have chosen that (RFC 7672 section 3.2.2).
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN if `next_hop` is not even UTF-8, or
 * MTASTS_E_INTERNAL; `*status` is MTASTS_DANE_FAILED then. Thread-safe.
 */
int32_t mtasts_dane_check(const struct mtasts_dane *dane,
                          const char *next_hop,
                          const struct mtasts_der *chain,
                          size_t count,
                          int32_t *status);

/**
 * Looks up what DANE says of `domain` as a whole, for `dane` of `mtasts_postfix_style`. `domain` is
 * a name in A-labels or U-labels. Blocks, for 60 s at most. Without the option `dane` nothing is
 * looked up, and the answer is MTASTS_DOMAIN_DANE_NONE.
 *
 * On success `*dane` is one of MTASTS_DOMAIN_DANE_*; after a failure it is
 * MTASTS_DOMAIN_DANE_TEMPORARY.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN, MTASTS_E_ADDRESS_LITERAL or
 * MTASTS_E_INTERNAL. Thread-safe.
 */
int32_t mtasts_default_host_dane_of_domain(const struct mtasts_default_host *host,
                                           const char *domain,
                                           int32_t *dane);

/**
 * Frees what `mtasts_default_host_dane` gave; NULL does nothing.
 */
void mtasts_dane_free(struct mtasts_dane *dane);

/**
 * Converts `domain` (UTF-8) to what `mtasts_lookup_new` takes: U-labels to A-labels by IDNA
 * (UTS 46, non-transitional), lower case, no final dot. Writes at most `out_len` octets, the NUL
 * included, to `out`; MTASTS_DOMAIN_SIZE always suffices.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN (never to be read as "no policy"),
 * MTASTS_E_ADDRESS_LITERAL, MTASTS_E_TOO_LARGE or MTASTS_E_INTERNAL. Thread-safe.
 */
int32_t mtasts_domain_to_ascii(const char *domain, char *out, size_t out_len);

/**
 * Looks up the MX records of `domain`, a name in A-labels or U-labels. Blocks, for 20 s at
 * most; with the option `dane`, and without MX records, for twice that. A domain without MX
 * records is its own host: one entry, of which `mtasts_mx_list_is_implicit` tells. A null MX
 * gives an empty list: the domain takes no mail.
 *
 * On success `*out` is to be freed by `mtasts_mx_list_free`; else it is NULL.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN, MTASTS_E_ADDRESS_LITERAL,
 * MTASTS_HOST_E_DNS_TEMPORARY, MTASTS_HOST_E_DNS_PERMANENT or MTASTS_E_INTERNAL. Thread-safe.
 */
int32_t mtasts_default_host_mx(const struct mtasts_default_host *host,
                               const char *domain,
                               struct mtasts_mx_list **out);

/**
 * How many hosts there are; 0 for NULL.
 */
size_t mtasts_mx_list_count(const struct mtasts_mx_list *list);

/**
 * The name of a host, counted from 0, as the MX record has it but without the final dot. It
 * belongs to the list and lives as long. NULL beyond the end.
 */
const char *mtasts_mx_list_host(const struct mtasts_mx_list *list, size_t index);

/**
 * The preference of a host, counted from 0; the lowest goes first. 0 beyond the end.
 */
uint16_t mtasts_mx_list_preference(const struct mtasts_mx_list *list, size_t index);

/**
 * 1 if the domain has no MX records and is its own host (RFC 5321 section 5.1), else 0.
 */
int32_t mtasts_mx_list_is_implicit(const struct mtasts_mx_list *list);

/**
 * 1 if the MX records (or, without any, the domain's address records) are DNSSEC-secure, for
 * `mx_secure` of `mtasts_session`; else 0. Always 0 without the option `dane`.
 */
int32_t mtasts_mx_list_is_secure(const struct mtasts_mx_list *list);

/**
 * Frees a list; NULL does nothing.
 */
void mtasts_mx_list_free(struct mtasts_mx_list *list);

/**
 * Opens the default host. Configuration files, roots and the store are opened here, so that the
 * process may change its root directory or user afterwards. Environment variables are never
 * read. `options` may be NULL for the defaults: the system's name servers and roots, no store.
 *
 * On success `*out` is to be closed by `mtasts_default_host_close`. On failure `*out` is NULL,
 * and the `error_len` octets at `error` hold a line for a person, cut off where it does not fit;
 * `error` may be NULL.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_SIZE, MTASTS_E_INTERNAL, MTASTS_HOST_E_STORE,
 * MTASTS_HOST_E_CA_FILE, MTASTS_HOST_E_RESOLVER, or MTASTS_HOST_E_LOCAL_POLICIES, of which the log
 * has a line for each fault.
 */
int32_t mtasts_default_host_open(const struct mtasts_default_host_options *options,
                                 struct mtasts_default_host **out,
                                 char *error,
                                 size_t error_len);

/**
 * Closes a host that `mtasts_default_host_open` gave; NULL does nothing. No other thread may be
 * using it or its callbacks.
 */
void mtasts_default_host_close(struct mtasts_default_host *host);

/**
 * Reads the option `local_policies` again, the path as it was made absolute when the host was
 * opened; without it there is nothing to do. Look-ups go on meanwhile with the old policies. After a
 * failure the old ones stay, all of them, and the log has a line for each fault.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_HOST_E_LOCAL_POLICIES or MTASTS_E_INTERNAL.
 * Thread-safe.
 */
int32_t mtasts_default_host_reread(const struct mtasts_default_host *host);

/**
 * The callbacks that `mtasts_lookup_run` and `mtasts_resolve` take. They belong to the host and
 * live as long. NULL for NULL.
 */
const mtasts_host *mtasts_default_host_callbacks(const struct mtasts_default_host *host);

/**
 * Lists the domains of which the store has an entry: first those with a policy, then those where
 * none was found, each in the order of their names. What others save meanwhile may be among them
 * or not. Without a store the list is empty. A million domains take some 60 MB.
 *
 * `load` of `mtasts_default_host_callbacks` gives the entry of a domain.
 *
 * On success `*out` is to be freed by `mtasts_domain_list_free`; else it is NULL.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_HOST_E_STORE if the store cannot be read, or
 * MTASTS_E_INTERNAL. Thread-safe.
 */
int32_t mtasts_default_host_store_domains(const struct mtasts_default_host *host,
                                          struct mtasts_domain_list **out);

/**
 * Has the store forget `domain`, a name in A-labels or U-labels: its policy, and that there was
 * none. The next look-up begins from nothing, so that a policy is then only as safe as DNS is. A
 * policy server (`mtasts serve`) that has read the entry goes on with what it has.
 *
 * `*removed` is 1 if there was an entry, else 0. Waits for the disk, and for others that save.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN, MTASTS_E_ADDRESS_LITERAL,
 * MTASTS_HOST_E_STORE if the store cannot be written, or MTASTS_E_INTERNAL. Thread-safe.
 */
int32_t mtasts_default_host_store_remove(const struct mtasts_default_host *host,
                                         const char *domain,
                                         int32_t *removed);

/**
 * How many names there are; 0 for NULL.
 */
size_t mtasts_domain_list_count(const struct mtasts_domain_list *list);

/**
 * A name, counted from 0, in A-labels, lower case. It belongs to the list and lives as long. NULL
 * beyond the end.
 */
const char *mtasts_domain_list_name(const struct mtasts_domain_list *list, size_t index);

/**
 * Frees a list; NULL does nothing.
 */
void mtasts_domain_list_free(struct mtasts_domain_list *list);

/**
 * Looks up the TLSRPT record of `domain`, a name in A-labels or U-labels, at `_smtp._tls.<domain>`.
 * Blocks, for 20 s at most, and keeps nothing: ask once for a delivery, whatever the number of its
 * sessions. A domain without a record wants no reports, and without an answer there is no report;
 * neither is a reason for the mail to wait.
 *
 * On success `*out` is to be freed by `mtasts_tlsrpt_record_free`; else it is NULL.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN, MTASTS_E_ADDRESS_LITERAL, MTASTS_E_RECORD if
 * there is no legal record, MTASTS_HOST_E_NO_RECORDS, MTASTS_HOST_E_DNS_TEMPORARY,
 * MTASTS_HOST_E_DNS_PERMANENT or MTASTS_E_INTERNAL. Thread-safe.
 */
int32_t mtasts_default_host_tlsrpt_record(const struct mtasts_default_host *host,
                                          const char *domain,
                                          mtasts_tlsrpt_record **out);

/**
 * Sends what `mtasts_tlsrpt_datagram` wrote to the collector at the option `tlsrpt_socket`; nothing
 * if `len` is 0 or the host has no such option. It waits for nobody: where the collector is not
 * there or has not kept up, the datagram is lost, and the log says so. Whatever it returns, deliver
 * on.
 *
 * Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_HOST_E_TLSRPT if the collector does not have the
 * datagram, or MTASTS_E_INTERNAL. Thread-safe.
 */
int32_t mtasts_default_host_tlsrpt_send(const struct mtasts_default_host *host,
                                        const void *datagram,
                                        size_t len);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MTASTS_HOST_H */
