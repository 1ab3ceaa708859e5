/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * mtasts_exim: functions for Exim's ${dlfunc}, by which a router sends mail as MTA-STS (RFC 8461)
 * wants it. README.md has the configuration; mtasts.routers and mtasts.transports are ready for
 * use.
 *
 *     mtasts_exim_route   {DOMAIN}{OPTIONS}...         the MX hosts that may have the domain's mail
 *     mtasts_exim_hosts   {DOMAIN}{HOSTS}{OPTIONS}...  those of HOSTS that may
 *     mtasts_exim_policy  {DOMAIN}{OPTIONS}...         the policy
 *
 *     mtasts_exim_ready                                "yes": that the module can be loaded
 *
 * report.c has one for event_action.
 *
 * Each gives a line as `mtasts serve` does (docs/server.md), for ${extract{name}{...}}: `action`
 * comes first, and whatever is not `action=deliver` means that the mail waits. What is wrong with
 * the domain, with the network or with the options is such a line too: no function fails.
 *
 * The host stays open for the next recipients of the process; Exim's store owns what is given out.
 */
#define _POSIX_C_SOURCE 200809L
#define DLFUNC_IMPL
#include "background.h"
#include "report.h"
#include "settings.h"
#include "text.h"
#include "user.h"
#include <local_scan.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

/* The most hosts that are named where none may have the mail, and that are given to Exim, which
 * looks up the addresses of all of them and then tries five. */
enum { NAMED = 3, CHOSEN = 10, ERROR_SIZE = 512 };

/* One call of a function. */
struct question {
    const struct settings *settings;
    const char *domain;
    char ascii[MTASTS_DOMAIN_SIZE];
    bool again;   /* look for a newer policy, whatever is known of the record */
    bool reports; /* tell the TLSRPT collector of hosts that may not have the mail */
    mtasts_outcome *outcome;
    mtasts_outcome_facts facts;
    struct text answer;
};

/* ---- Answers ---- */

static const char *mode(const struct question *q)
{
    const mtasts_policy *policy = mtasts_outcome_policy(q->outcome);
    return policy ? mtasts_mode_name(mtasts_policy_mode(policy)) : "none";
}

static bool is_enforced(const struct question *q)
{
    return mtasts_policy_mode(mtasts_outcome_policy(q->outcome)) == MTASTS_MODE_ENFORCE;
}

static void begin_answer(struct question *q, const char *action)
{
    q->answer.len = 0;
    add(&q->answer, "action=");
    add(&q->answer, action);
    if (!q->outcome || (q->facts.try_later && !mtasts_outcome_policy(q->outcome)))
        return; /* it is not known what applies */
    add(&q->answer, is_enforced(q) ? " tls=verify mode=" : " tls=may mode=");
    add(&q->answer, mode(q));
}

static void add_pair(struct question *q, const char *name, const char *value)
{
    add(&q->answer, " ");
    add(&q->answer, name);
    add(&q->answer, "=");
    add(&q->answer, value);
}

/* The mail waits: `reason` is a word, `why` a line about it. */
static void wait_for(struct question *q, const char *reason, const char *why)
{
    begin_answer(q, "defer");
    add_pair(q, "reason", reason);
    add_pair(q, "why", "\"");
    add_foreign(&q->answer, q->domain);
    add(&q->answer, ": ");
    add(&q->answer, why);
    add(&q->answer, "\"");
}

/* No policy hinders the mail. */
static void let_go(struct question *q)
{
    begin_answer(q, "deliver");
    if (!q->outcome)
        add(&q->answer, " tls=may mode=none");
}

/* ---- Looking up ---- */

static const mtasts_host *callbacks(const struct question *q)
{
    return mtasts_default_host_callbacks(q->settings->host);
}

static void take(struct question *q, mtasts_outcome *outcome)
{
    mtasts_outcome_free(q->outcome);
    q->outcome = outcome;
    q->facts.size = sizeof q->facts;
    mtasts_outcome_get(outcome, &q->facts);
}

/* R-FLOW-6: looks for a newer policy than the one at hand (RFC 8461 section 5.1). Returns whether
 * there is another outcome. */
static bool look_again(struct question *q)
{
    mtasts_outcome *newer;
    if (q->facts.basis != MTASTS_BASIS_CACHED ||
        mtasts_resolve_again(q->outcome, &q->settings->config, callbacks(q), &newer) != MTASTS_OK)
        return false;
    take(q, newer);
    return q->facts.basis != MTASTS_BASIS_CACHED;
}

static bool is_ascii(const char *name)
{
    while (*name && !(*name & 0x80))
        name++;
    return *name == '\0';
}

/* Finds the policy. Returns whether there is an outcome; else the answer is there. */
static bool look_up(struct question *q)
{
    mtasts_outcome *outcome;
    int32_t status = mtasts_domain_to_ascii(q->domain, q->ascii, sizeof q->ascii);
    if (status == MTASTS_OK)
        status = mtasts_resolve(q->ascii, &q->settings->config, callbacks(q), &outcome);
    if (status == MTASTS_OK) {
        take(q, outcome);
        if (q->again)
            look_again(q);
    } else if (status == MTASTS_E_ADDRESS_LITERAL ||
               (status == MTASTS_E_DOMAIN && is_ascii(q->domain))) {
        /* No certificate authority gives its policy host a certificate. */
        let_go(q);
    } else {
        wait_for(q, "not-understood", mtasts_strerror(status));
    }
    return status == MTASTS_OK;
}

/* Whether it is for MTA-STS to say which host gets the mail; else the answer is there. */
static bool is_bound(struct question *q)
{
    bool is_bound = is_enforced(q) || q->facts.try_later;
    if (!is_bound)
        let_go(q);
    return is_bound;
}

/* ---- Hosts ---- */

/* Whether Exim reads it as the name of a host, and as nothing else, in a list of hosts. */
static bool is_host_name(const char *name)
{
    return *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789.-_")] == '\0';
}

/* The hosts that a question is about, in their order. */
struct hosts {
    const mtasts_mx_list *list; /* NULL: `names` */
    const char *const *names;
    size_t count;
    bool resolve; /* leave out those whose addresses cannot be looked up */
};

static const char *host_name(const struct hosts *hosts, size_t index)
{
    if (hosts->list)
        return mtasts_mx_list_host(hosts->list, index);
    return hosts->names ? hosts->names[index] : "";
}

/* Whether the host is worth a connection. `*cause` is why it is not. */
static bool may_have_it(const struct question *q, const struct hosts *hosts, size_t index,
                        int32_t *cause)
{
    const char *name = host_name(hosts, index);
    mtasts_session session = {.size = sizeof session, .mx_host = name};
    mtasts_verdict verdict = {.size = sizeof verdict};
    mtasts_dane *dane = NULL;
    if (hosts->list && q->settings->options.dane) {
        mtasts_default_host_dane(q->settings->host, name, &dane);
        session.dane = mtasts_dane_status(dane);
        session.mx_secure = mtasts_mx_list_is_secure(hosts->list);
        mtasts_dane_free(dane);
    }
    mtasts_outcome_verdict(q->outcome, &session, &verdict);
    *cause = is_host_name(name) ? verdict.cause : MTASTS_CAUSE_MX_NOT_LISTED;
    return verdict.action == MTASTS_ACTION_DELIVER && is_host_name(name);
}

/* No host may have the mail. */
static void refuse_all(struct question *q, const struct hosts *hosts, int32_t cause)
{
    struct text why = {0};
    add(&why, mtasts_cause_text(cause));
    add(&why, " (");
    for (size_t i = 0; i < hosts->count && i < NAMED; i++) {
        add(&why, i ? ", " : "");
        add_foreign(&why, host_name(hosts, i));
    }
    add(&why, hosts->count > NAMED ? ", ...)" : ")");
    wait_for(q, mtasts_cause_name(cause), why.failed ? "out of memory" : why.data);
    free(why.data);
}

/* Between hosts of the same preference ":", else ":+:", where Exim's hosts_randomize takes no
 * host before one of the group on the left. */
static const char *separator(const struct hosts *hosts, size_t left, size_t right)
{
    bool is_equal = hosts->list && mtasts_mx_list_preference(hosts->list, left) ==
                                       mtasts_mx_list_preference(hosts->list, right);
    return is_equal || !hosts->list ? ":" : ":+:";
}

/* Whether the host has an address. Exim tries none at all where those of one cannot be found. */
static bool has_address(const struct question *q, const char *name)
{
    mtasts_address_list *addresses;
    int32_t status = mtasts_default_host_addresses(q->settings->host, name, &addresses);
    mtasts_address_list_free(addresses);
    return status == MTASTS_OK;
}

/* Answers with the hosts that may have the mail, and returns how many there are. `*cause` is why
 * the first of the others may not. */
static size_t list_hosts(struct question *q, const struct hosts *hosts, int32_t *cause)
{
    size_t last = 0, chosen = 0;
    int32_t one;
    begin_answer(q, "deliver");
    add(&q->answer, " hosts=");
    for (size_t i = 0; i < hosts->count && chosen < CHOSEN; i++) {
        if (!may_have_it(q, hosts, i, &one)) {
            *cause = *cause ? *cause : one;
        } else if (!hosts->resolve || has_address(q, host_name(hosts, i))) {
            add(&q->answer, chosen ? separator(hosts, last, i) : "");
            add(&q->answer, host_name(hosts, i));
            last = i;
            chosen++;
        }
    }
    return chosen;
}

/* Answers with the hosts that may have the mail. Returns whether there are any. */
static bool choose(struct question *q, struct hosts hosts)
{
    int32_t cause = MTASTS_CAUSE_NONE;
    hosts.resolve = hosts.list && hosts.count > 1;
    if (hosts.resolve && list_hosts(q, &hosts, &cause) > 0)
        return true;
    hosts.resolve = false; /* Exim says what is wrong with their addresses */
    if (list_hosts(q, &hosts, &cause) > 0)
        return true;
    refuse_all(q, &hosts, cause);
    return false;
}

/* Tells the TLSRPT collector of the hosts that were passed over before the first that may have the
 * mail: no session of theirs will. In the background. */
static void report_unlisted(const struct question *q, const struct hosts *hosts)
{
    mtasts_tlsrpt_record *record = find_record(q->settings, q->ascii);
    bool goes_on = record != NULL;
    int32_t cause;
    be_quiet();
    for (size_t i = 0; i < hosts->count && i < CHOSEN && goes_on; i++) {
        mtasts_session session = {.size = sizeof session, .mx_host = host_name(hosts, i)};
        if (may_have_it(q, hosts, i, &cause))
            break;
        if (cause == MTASTS_CAUSE_MX_NOT_LISTED)
            goes_on = report(q->settings, q->outcome, &session, record, NULL);
    }
    mtasts_tlsrpt_record_free(record);
}

/* Whether this process, which delivers one message, asks for the first time: a message has as many
 * questions as recipients, and a session for each domain. */
static bool is_first(const char *domain)
{
    static struct text asked; /* "domain domain " */
    size_t len = strlen(domain);
    for (const char *one = asked.data; one && *one; one += strcspn(one, " ") + 1)
        if (strncmp(one, domain, len) == 0 && one[len] == ' ')
            return false;
    add(&asked, domain);
    add(&asked, " ");
    return true;
}

/* Chooses by the policy, and where that leaves none, by a newer one. */
static void choose_by_policy(struct question *q, const struct hosts *hosts)
{
    int32_t cause = MTASTS_CAUSE_NONE;
    if (!choose(q, *hosts) && look_again(q) && is_bound(q))
        choose(q, *hosts);
    if (q->reports && hosts->count > 0 && !may_have_it(q, hosts, 0, &cause) && is_first(q->ascii) &&
        in_background()) {
        report_unlisted(q, hosts);
        _exit(0);
    }
}

static void route(struct question *q)
{
    mtasts_mx_list *list = NULL;
    int32_t status = mtasts_default_host_mx(q->settings->host, q->ascii, &list);
    struct hosts hosts = {.list = list, .count = mtasts_mx_list_count(list)};
    if (status != MTASTS_OK)
        wait_for(q, "mx-unknown", "the MX records cannot be looked up for now");
    else if (hosts.count == 0)
        /* No policy lists it, so that nobody has mail returned by forging one. */
        wait_for(q, "null-mx", "a null MX, and a policy that does not allow it");
    else
        choose_by_policy(q, &hosts);
    mtasts_mx_list_free(list);
}

/* Splits `list`, which becomes the names' storage, at spaces, commas and colons. */
static size_t split_list(char *list, const char **names)
{
    size_t count = 0;
    char *rest = list, *name;
    while ((name = strtok_r(rest, " \t\r\n,:", &rest)))
        names[count++] = name;
    return count;
}

static void filter(struct question *q, const char *list)
{
    char *copy = strdup(list);
    const char **names = calloc(strlen(list) / 2 + 1, sizeof *names);
    if (copy && names) {
        struct hosts hosts = {.names = names, .count = split_list(copy, names)};
        if (hosts.count == 0)
            wait_for(q, "mx-unknown", "no MX hosts are given");
        else
            choose_by_policy(q, &hosts);
    }
    q->answer.failed |= !copy || !names;
    free(copy);
    free(names);
}

static void describe(struct question *q)
{
    const mtasts_policy *policy = mtasts_outcome_policy(q->outcome);
    if (!policy && q->facts.try_later) {
        wait_for(q, mtasts_reason_name(q->facts.reason),
                 "it is not known whether there is a policy");
        return;
    }
    begin_answer(q, "deliver");
    add_pair(q, "basis", mtasts_basis_name(q->facts.basis));
    if (policy) {
        add_pair(q, "max_age", "");
        add_number(&q->answer, mtasts_policy_max_age(policy));
        add_pair(q, "mx", "");
        for (size_t i = 0; i < mtasts_policy_mx_count(policy); i++) {
            add(&q->answer, i ? ":" : "");
            add(&q->answer, mtasts_policy_mx(policy, i).data);
        }
    }
    if (q->facts.reason != MTASTS_REASON_NONE)
        add_pair(q, "reason", mtasts_reason_name(q->facts.reason));
}

/* ---- What Exim calls ---- */

/* Hands `string` to Exim. */
static int give(uschar **yield, int code, const char *string)
{
    *yield = string_copy_function((const uschar *)string);
    return code;
}

/* What the administrator has to mend makes the mail wait too: some versions of Exim return mail
 * where the expansion of a router's variable fails. */
static bool refuse(struct question *q, const char *why)
{
    add(&q->answer, "action=defer reason=misconfigured why=\"");
    for (; *why; why++) {
        bool is_plain = *why >= ' ' && !strchr("\"\\${}", *why);
        const char one[2] = {is_plain ? *why : '?', 0};
        add(&q->answer, one);
    }
    add(&q->answer, "\"");
    return false;
}

/* Reads the arguments from the one number `first` on: OPTIONS, and the words "again" and "report",
 * each by itself. */
static bool begin(struct question *q, int argc, uschar *argv[], int first)
{
    char error[ERROR_SIZE] = "";
    struct text words = {0};
    if (argc < first)
        return refuse(q, "too few arguments");
    q->domain = (const char *)argv[0];
    add(&words, "");
    for (int i = first; i < argc; i++) {
        const char *word = (const char *)argv[i];
        bool is_again = strcmp(word, "again") == 0, is_report = strcmp(word, "report") == 0;
        q->again |= is_again;
        q->reports |= is_report;
        add(&words, is_again || is_report ? "" : word);
        add(&words, " ");
    }
    if (!words.failed)
        q->settings = open_settings(words.data, error, sizeof error);
    free(words.data);
    q->reports &= q->settings && q->settings->options.tlsrpt_socket;
    return q->settings || refuse(q, *error ? error : "out of memory");
}

static int finish(struct question *q, uschar **yield)
{
    bool failed = q->answer.failed;
    const char *memory = "action=defer reason=misconfigured why=\"out of memory\"";
    int status = give(yield, OK, failed ? memory : q->answer.data);
    be_root_again();
    mtasts_outcome_free(q->outcome);
    free(q->answer.data);
    return status;
}

PUBLIC exim_dlfunc_t mtasts_exim_policy;
PUBLIC exim_dlfunc_t mtasts_exim_hosts;
PUBLIC exim_dlfunc_t mtasts_exim_route;
PUBLIC exim_dlfunc_t mtasts_exim_ready;

int mtasts_exim_policy(uschar **yield, int argc, uschar *argv[])
{
    struct question q = {0};
    if (begin(&q, argc, argv, 1) && look_up(&q))
        describe(&q);
    return finish(&q, yield);
}

int mtasts_exim_hosts(uschar **yield, int argc, uschar *argv[])
{
    struct question q = {0};
    if (begin(&q, argc, argv, 2) && look_up(&q) && is_bound(&q))
        filter(&q, (const char *)argv[1]);
    return finish(&q, yield);
}

int mtasts_exim_route(uschar **yield, int argc, uschar *argv[])
{
    struct question q = {0};
    if (begin(&q, argc, argv, 1) && look_up(&q) && is_bound(&q))
        route(&q);
    return finish(&q, yield);
}

int mtasts_exim_ready(uschar **yield, int argc, uschar *argv[])
{
    (void)argc;
    (void)argv;
    return give(yield, OK, "yes");
}
