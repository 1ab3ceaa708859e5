/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * mtasts: is a lookup table for Postfix's smtp_tls_policy_maps: what MTA-STS (RFC 8461) and, if
 * wanted, DANE say of a next-hop, looked up in the process that asks. Whatever goes wrong is a
 * failed lookup, by which the mail waits, and never "not found", by which it would go unprotected.
 * A TXT record that cannot be looked up, where no policy is known, is no error: RFC 8461 section 5.
 *
 * Postfix opens tables before it enters its chroot and gives up its privileges. All that a lookup
 * needs of the file system is opened then. The host keeps no threads between calls.
 */
#include <fcntl.h>
#include <string.h>

#include <sys_defs.h>

#include <argv.h>
#include <dict.h>
#include <msg.h>
#include <mymalloc.h>
#include <stringops.h>
#include <vstring.h>

#include <mtasts_host.h>

#include "settings.h"

#define TYPE "mtasts"

typedef struct DICT_MTASTS {
    DICT dict;
    mtasts_default_host *host;
    mtasts_config config;
    mtasts_postfix_style style;
    char *value; /* the last result, MTASTS_POSTFIX_VALUE_SIZE octets */
} DICT_MTASTS;

/* The only name that the module exports. */
__attribute__((visibility("default"))) extern DICT *dict_mtasts_open(const char *, int, int);

static int open_table(DICT_MTASTS *, const char *path, VSTRING *trouble);
static int open_host(DICT_MTASTS *, const SETTINGS *, VSTRING *trouble);
static void write_log(void *, int32_t level, const char *message);
static const char *dict_mtasts_lookup(DICT *, const char *key);
static int32_t domain_of(const char *key, char *domain);
static int32_t look_up(DICT_MTASTS *, const char *domain, int32_t *found);
static void dict_mtasts_close(DICT *);

DICT *dict_mtasts_open(const char *path, int open_flags, int dict_flags)
{
    DICT_MTASTS *table;
    VSTRING *trouble;
    DICT *dict;

    if (open_flags != O_RDONLY)
        return dict_surrogate(TYPE, path, open_flags, dict_flags,
                              TYPE ":%s: the table can only be read", path);
    trouble = vstring_alloc(100);
    table = (DICT_MTASTS *)dict_alloc(TYPE, path, sizeof *table);
    table->dict.lookup = dict_mtasts_lookup;
    table->dict.close = dict_mtasts_close;
    table->dict.flags = dict_flags | DICT_FLAG_FIXED;
    table->host = 0;
    table->value = mymalloc(MTASTS_POSTFIX_VALUE_SIZE);
    dict = &table->dict;
    if (open_table(table, path, trouble) != 0) {
        dict_mtasts_close(dict);
        dict = dict_surrogate(TYPE, path, open_flags, dict_flags, TYPE ":%s", vstring_str(trouble));
    }
    vstring_free(trouble);
    return DICT_DEBUG(dict);
}

/* Reads the file at `path` and sets all up by it. Returns 0; or -1, and what is wrong. */
static int open_table(DICT_MTASTS *table, const char *path, VSTRING *trouble)
{
    SETTINGS settings;
    int status;

    status = settings_read(&settings, path, trouble);
    if (status == 0) {
        table->dict.owner = settings.owner;
        memset(&table->config, 0, sizeof table->config);
        table->config.size = sizeof table->config;
        table->config.defer_on_dns_failure = settings.defer_on_dns_failure;
        table->config.divert_percent = 100 - settings.enforce_percent;
        memset(&table->style, 0, sizeof table->style);
        table->style.size = sizeof table->style;
        table->style.version = settings.postfix;
        table->style.level = settings.smtp_tls_security_level;
        status = open_host(table, &settings, trouble);
    }
    settings_free(&settings);
    return status;
}

static int open_host(DICT_MTASTS *table, const SETTINGS *settings, VSTRING *trouble)
{
    char error[512] = "";
    ARGV *nameservers =
        argv_split(settings->nameservers ? settings->nameservers : "", CHARS_COMMA_SP);
    mtasts_default_host_options options = {0};
    int32_t status;

    options.size = sizeof options;
    options.nameservers = (const char *const *)nameservers->argv;
    options.nameserver_count = (size_t)nameservers->argc;
    options.ca_file = settings->ca_file;
    options.store = settings->store;
    options.local_policies = settings->local_policies;
    options.https_port = (uint16_t)settings->https_port;
    options.allow_non_global = settings->allow_non_global;
    options.dane = settings->dane;
    options.log = write_log;
    status = mtasts_default_host_open(&options, &table->host, error, sizeof error);
    if (status != MTASTS_OK)
        vstring_sprintf(trouble, "%s: %s", table->dict.name, error);
    argv_free(nameservers);
    return status == MTASTS_OK ? 0 : -1;
}

/* Postfix ends a process that has logged some errors, so that these are warnings. */
static void write_log(void *user, int32_t level, const char *message)
{
    (void)user;
    if (level >= MTASTS_LOG_INFO)
        msg_info(TYPE ": %s", message);
    else
        msg_warn(TYPE ": %s", message);
}

static const char *dict_mtasts_lookup(DICT *dict, const char *key)
{
    DICT_MTASTS *table = (DICT_MTASTS *)dict;
    char domain[MTASTS_DOMAIN_SIZE];
    int32_t found = MTASTS_POSTFIX_NOT_FOUND;
    int32_t status = domain_of(key, domain);

    if (status == MTASTS_OK)
        status = look_up(table, domain, &found);
    else if (status == MTASTS_E_ADDRESS_LITERAL)
        status = MTASTS_OK;
    if (status != MTASTS_OK)
        msg_warn(TYPE ":%s: %s: %s", dict->name, key, mtasts_strerror(status));
    if (status != MTASTS_OK || found == MTASTS_POSTFIX_TEMPORARY)
        DICT_ERR_VAL_RETURN(dict, DICT_ERR_RETRY, (char *)0);
    DICT_ERR_VAL_RETURN(dict, DICT_ERR_NONE,
                        found == MTASTS_POSTFIX_POLICY ? table->value : (char *)0);
}

/* The domain that the key names, to `domain`, of MTASTS_DOMAIN_SIZE octets.
 * MTASTS_E_ADDRESS_LITERAL: no policy can be for it (R-FLOW-7). */
static int32_t domain_of(const char *key, char *domain)
{
    size_t size = strlen(key) + 1;
    char *next_hop = mymalloc((ssize_t)size);
    int32_t status = mtasts_postfix_next_hop(key, next_hop, size);

    if (status == MTASTS_OK)
        status = mtasts_domain_to_ascii(next_hop, domain, MTASTS_DOMAIN_SIZE);
    /* ASCII, but no host name: no policy host could have a certificate for it. */
    if (status == MTASTS_E_DOMAIN && allascii(key))
        status = MTASTS_E_ADDRESS_LITERAL;
    myfree(next_hop);
    return status;
}

/* Asks the engine. For MTASTS_POSTFIX_POLICY the value is in the table. */
static int32_t look_up(DICT_MTASTS *table, const char *domain, int32_t *found)
{
    mtasts_outcome *outcome = 0;
    mtasts_outcome_facts facts;
    int32_t status = mtasts_default_host_dane_of_domain(table->host, domain, &table->style.dane);

    if (status != MTASTS_OK)
        return status;
    status = mtasts_resolve(domain, &table->config, mtasts_default_host_callbacks(table->host),
                            &outcome);
    if (status == MTASTS_OK)
        status = mtasts_postfix_policy(outcome, &table->style, found, table->value,
                                       MTASTS_POSTFIX_VALUE_SIZE, 0);
    facts.size = sizeof facts;
    if (status == MTASTS_OK && *found == MTASTS_POSTFIX_NOT_FOUND &&
        mtasts_outcome_get(outcome, &facts) == MTASTS_OK &&
        facts.reason == MTASTS_REASON_DNS_TEMPORARY)
        msg_warn(TYPE
                 ":%s: %s: the TXT record cannot be looked up for now, and no policy is known: "
                 "the mail goes without one",
                 table->dict.name, domain);
    mtasts_outcome_free(outcome);
    return status;
}

static void dict_mtasts_close(DICT *dict)
{
    DICT_MTASTS *table = (DICT_MTASTS *)dict;

    mtasts_default_host_close(table->host);
    myfree(table->value);
    dict_free(dict);
}
