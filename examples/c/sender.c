/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sender: gives one message to the mail hosts of its recipients, and to no man in the middle.
 *
 * What MTA-STS (RFC 8461) asks of a sending MTA is in five functions: find_policy asks for the
 * policy of the recipients' domain; may_carry asks for the verdict on a session, once before the
 * connection and once after STARTTLS; check_certificate has the MX host's chain judged; report
 * tells a collector, for those who want reports (RFC 8460); look_again asks for a newer policy
 * before the sender gives up. The rest walks from domains to MX hosts to addresses, as every MTA
 * does. README.md says how to call it and what it leaves out.
 */
#define _POSIX_C_SOURCE 200809L
#include <ctype.h>
#include <mtasts_host.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "certificate.h"
#include "smtp.h"

/* A domain may have any number of MX hosts and addresses; the sender has not all day. */
enum { TEXT = 1024, ADDRESSES_PER_HOST = 5, ADDRESSES = 20 };

enum fate { DEFERRED, DELIVERED, FAILED };

struct recipient {
    const char *address;
    char path[TEXT]; /* the address with its domain in A-labels */
    char *domain;    /* in `path`, after the @; empty if it is none */
    enum fate fate;  /* DEFERRED until something else is known */
    bool accepted;   /* by RCPT in the present session */
    char why[TEXT];
};

struct sender {
    const char *from, *helo, *port;
    int patience; /* seconds for a look-up, a policy, a connection, and a reply */
    bool machine; /* print lines for a program instead of a person */
    mtasts_config config;
    mtasts_default_host_options options;
    mtasts_default_host *host;
    SSL_CTX *tls;
    struct smtp_message message;
    struct recipient *recipients;
    size_t recipient_count;
};

/* The recipients in one domain. They share no connection with those of other domains, as a
 * verdict holds for one policy domain. */
struct job {
    const struct sender *sender;
    const char *domain;
    mtasts_outcome *outcome;      /* NULL for an address literal, which has no policy */
    mtasts_tlsrpt_record *tlsrpt; /* NULL if the domain wants no reports */
    size_t tried;                 /* addresses */
    bool refused;                 /* the policy has kept the mail from an MX host */
};

/* What happens at one MX host, or at one of its addresses. */
struct attempt {
    struct job *job;
    const char *mx, *address;
    mtasts_session session;
    mtasts_verdict verdict;
    char what[TEXT];
};

/* ---- Recipients ---- */

/* The next recipient of the job, after `r`, that has not got the message yet. */
static struct recipient *next(const struct job *job, struct recipient *r)
{
    struct recipient *all = job->sender->recipients;
    for (r = r ? r + 1 : all; r < all + job->sender->recipient_count; r++)
        if (r->fate == DEFERRED && strcmp(r->domain, job->domain) == 0)
            return r;
    return NULL;
}

static void settle(struct recipient *r, enum fate fate, const char *why)
{
    r->fate = fate;
    snprintf(r->why, sizeof r->why, "%s", why);
}

static void settle_all(const struct job *job, enum fate fate, const char *why)
{
    for (struct recipient *r = next(job, NULL); r; r = next(job, r))
        settle(r, fate, why);
}

/* ---- Saying what happens ---- */

/* What an attempt came to: why the message waits, unless a later attempt comes to more. */
static void say(struct attempt *a, const char *what, const char *detail)
{
    snprintf(a->what, sizeof a->what, "%s%s%s", what, *detail ? ": " : "", detail);
    settle_all(a->job, DEFERRED, a->what);
}

static void tell_policy(const struct job *job, const mtasts_outcome_facts *facts)
{
    const mtasts_policy *policy = mtasts_outcome_policy(job->outcome);
    const char *mode = policy ? mtasts_mode_name(mtasts_policy_mode(policy)) : "-";
    const char *basis = mtasts_basis_name(facts->basis);
    const char *why = mtasts_outcome_explanation(job->outcome).data;
    if (job->sender->machine)
        printf("policy\t%s\t%s\t%s\t%s\t%s\n", job->domain, mode, basis,
               mtasts_reason_name(facts->reason), why);
    else
        printf("%s: %s%s%s%s%s\n", job->domain, basis, policy ? " " : "", policy ? mode : "",
               *why ? ": " : "", why);
}

static const char *tls_text(const mtasts_session *session)
{
    switch (session->tls) {
    case MTASTS_TLS_NOT_TRIED: return "no session";
    case MTASTS_TLS_NOT_OFFERED: return "no STARTTLS";
    case MTASTS_TLS_FAILED: return "TLS failed";
    default: break;
    }
    switch (session->certificate) {
    case MTASTS_CERTIFICATE_VALID: return "valid certificate";
    case MTASTS_CERTIFICATE_EXPIRED: return "expired certificate";
    case MTASTS_CERTIFICATE_HOST_MISMATCH: return "certificate of another name";
    case MTASTS_CERTIFICATE_NOT_TRUSTED: return "untrusted certificate";
    default: return "unusable certificate";
    }
}

static void tell_attempt(const struct attempt *a)
{
    if (a->job->sender->machine)
        printf("mx\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", a->job->domain, a->mx, a->address,
               tls_text(&a->session), mtasts_action_name(a->verdict.action),
               mtasts_cause_name(a->verdict.cause), mtasts_result_name(a->verdict.result), a->what);
    else
        printf("  %s [%s], %s: %s\n", a->mx, a->address, tls_text(&a->session), a->what);
}

static void tell_recipient(const struct sender *sender, const struct recipient *r)
{
    static const char *const fates[] = {"deferred", "delivered", "failed"};
    if (sender->machine)
        printf("rcpt\t%s\t%s\t%s\t%s\n", r->domain, r->address, fates[r->fate], r->why);
    else
        printf("  %s %s: %s\n", r->address, fates[r->fate], r->why);
}

/* ---- MTA-STS ---- */

/* Asks for the policy of the domain. That it has none is an answer too. */
static bool find_policy(struct job *job)
{
    const mtasts_host *host = mtasts_default_host_callbacks(job->sender->host);
    mtasts_outcome_facts facts = {.size = sizeof facts};
    int32_t status = mtasts_resolve(job->domain, &job->sender->config, host, &job->outcome);
    if (status != MTASTS_OK) {
        settle_all(job, DEFERRED, mtasts_strerror(status));
        return false;
    }
    mtasts_outcome_get(job->outcome, &facts);
    tell_policy(job, &facts);
    if (job->sender->options.tlsrpt_socket)
        mtasts_default_host_tlsrpt_record(job->sender->host, job->domain, &job->tlsrpt);
    return true;
}

/* Whether this session, as far as it has come, may carry the mail. */
static bool may_carry(struct attempt *a)
{
    a->session.size = sizeof a->session;
    a->session.mx_host = a->mx;
    a->verdict.size = sizeof a->verdict;
    if (a->job->outcome)
        mtasts_outcome_verdict(a->job->outcome, &a->session, &a->verdict);
    else
        a->verdict.action = MTASTS_ACTION_DELIVER;
    if (a->verdict.action == MTASTS_ACTION_DELIVER)
        return true;
    /* MTASTS_ACTION_DIVERT would need a fallback route, and there is none here. */
    say(a, "refused", mtasts_cause_text(a->verdict.cause));
    a->job->refused = true;
    return false;
}

/* Tells the collector what the session came to. `smtp` is NULL if there was no connection. */
static void report(const struct attempt *a, const struct smtp *smtp)
{
    static char datagram[MTASTS_TLSRPT_DATAGRAM_SIZE];
    mtasts_tlsrpt_details details = {.size = sizeof details};
    size_t len = 0;
    if (!a->job->tlsrpt)
        return;
    details.sending_mta_ip = smtp ? smtp->own_address : NULL;
    details.receiving_ip = smtp ? a->address : NULL;
    mtasts_tlsrpt_datagram(a->job->outcome, &a->session, a->job->tlsrpt, &details, datagram,
                           sizeof datagram, &len);
    mtasts_default_host_tlsrpt_send(a->job->sender->host, datagram, len);
}

/* Looks for a newer policy than the cached one, as RFC 8461 section 5.1 wants before a message is
 * given up. Returns whether there is one. */
static bool look_again(struct job *job)
{
    const mtasts_host *host = mtasts_default_host_callbacks(job->sender->host);
    mtasts_outcome_facts facts = {.size = sizeof facts};
    mtasts_outcome *newer;
    mtasts_outcome_get(job->outcome, &facts);
    if (facts.basis != MTASTS_BASIS_CACHED ||
        mtasts_resolve_again(job->outcome, &job->sender->config, host, &newer) != MTASTS_OK)
        return false;
    mtasts_outcome_free(job->outcome);
    job->outcome = newer;
    mtasts_outcome_get(newer, &facts);
    if (facts.basis != MTASTS_BASIS_FRESH)
        return false;
    tell_policy(job, &facts);
    return true;
}

/* ---- One session ---- */

static enum fate fate_of(int code)
{
    return code / 100 == 2 ? DELIVERED : code / 100 == 5 ? FAILED : DEFERRED;
}

/* Gives the message to those recipients that the MX host accepts. */
static void transfer(struct attempt *a, struct smtp *smtp)
{
    const char *though = a->verdict.cause ? mtasts_cause_text(a->verdict.cause) : "";
    int accepted = 0, code = smtp_command(smtp, "MAIL FROM:<", a->job->sender->from, ">");
    if (code / 100 != 2) {
        say(a, "sender not accepted", smtp->reply);
        settle_all(a->job, fate_of(code), smtp->reply);
        return;
    }
    for (struct recipient *r = next(a->job, NULL); r; r = next(a->job, r)) {
        code = smtp_command(smtp, "RCPT TO:<", r->path, ">");
        r->accepted = code / 100 == 2;
        accepted += r->accepted;
        if (!r->accepted)
            settle(r, fate_of(code), smtp->reply);
    }
    if (accepted > 0)
        code = smtp_data(smtp, &a->job->sender->message);
    for (struct recipient *r = next(a->job, NULL); r; r = next(a->job, r))
        if (r->accepted)
            settle(r, fate_of(code), smtp->reply);
    if (code / 100 != 2)
        snprintf(a->what, sizeof a->what, "not accepted: %s", smtp->reply);
    else
        snprintf(a->what, sizeof a->what, "delivered%s%s", *though ? ", though " : "", though);
}

/* Talks to the MX host as long as the policy lets it. Returns whether to do so once more in a new
 * connection and without TLS, as senders do where no policy forbids it. */
static bool converse(struct attempt *a, struct smtp *smtp)
{
    static const int32_t tls[] = {MTASTS_TLS_NOT_OFFERED, MTASTS_TLS_FAILED,
                                  MTASTS_TLS_ESTABLISHED};
    const struct sender *sender = a->job->sender;
    bool in_clear = a->session.tls == MTASTS_TLS_FAILED, fine;
    if (smtp_open(smtp, a->address, sender->port, sender->patience) != 220 ||
        smtp_hello(smtp, sender->helo) != 250) {
        say(a, "no service", smtp->reply);
        return false;
    }
    if (!in_clear) {
        a->session.tls = MTASTS_TLS_NOT_OFFERED;
        if (smtp->starttls)
            a->session.tls = tls[smtp_start_tls(smtp, sender->tls, a->mx)];
        if (a->session.tls == MTASTS_TLS_ESTABLISHED)
            a->session.certificate = check_certificate(a->job->sender->host, smtp->ssl, a->mx);
    }
    fine = may_carry(a);
    if (!in_clear)
        report(a, smtp);
    if (!fine)
        return false;
    if (a->session.tls == MTASTS_TLS_FAILED && !in_clear)
        return true;
    if (smtp->ssl && smtp_hello(smtp, sender->helo) != 250)
        say(a, "no service", smtp->reply);
    else
        transfer(a, smtp);
    return false;
}

/* ---- From the domain to the addresses ---- */

static void try_address(struct job *job, const char *mx, const char *address)
{
    struct attempt a = {.job = job, .mx = mx, .address = address};
    struct smtp smtp;
    bool again;
    do {
        again = converse(&a, &smtp);
        smtp_close(&smtp);
    } while (again);
    tell_attempt(&a);
}

/* Whether a policy is enforced: then DNS, which can be forged, is not to have mail returned. */
static bool is_protected(const struct job *job)
{
    return mtasts_policy_mode(mtasts_outcome_policy(job->outcome)) == MTASTS_MODE_ENFORCE;
}

static void try_host(struct job *job, const char *mx)
{
    struct attempt a = {.job = job, .mx = mx, .address = "-"};
    mtasts_address_list *addresses = NULL;
    int32_t status;
    if (!may_carry(&a)) {
        report(&a, NULL);
        tell_attempt(&a);
        return;
    }
    status = mtasts_default_host_addresses(job->sender->host, mx, &addresses);
    if (status != MTASTS_OK) {
        say(&a, "no address", "");
        tell_attempt(&a);
    }
    if (status == MTASTS_HOST_E_NO_RECORDS && strcmp(mx, job->domain) == 0 && !is_protected(job))
        settle_all(job, FAILED, "5.1.2 there is no such mail domain");
    for (size_t i = 0; i < mtasts_address_list_count(addresses) && i < ADDRESSES_PER_HOST &&
                       job->tried++ < ADDRESSES && next(job, NULL);
         i++)
        try_address(job, mx, mtasts_address_list_text(addresses, i));
    mtasts_address_list_free(addresses);
}

/* The least preference first; of equal ones any first (RFC 5321 section 5.1). */
static void try_hosts(struct job *job, const mtasts_mx_list *list)
{
    size_t count = mtasts_mx_list_count(list);
    for (size_t from = 0, to; from < count; from = to) {
        uint16_t preference = mtasts_mx_list_preference(list, from);
        size_t turn = (size_t)rand();
        for (to = from + 1; to < count && mtasts_mx_list_preference(list, to) == preference;)
            to++;
        for (size_t i = 0; i < to - from && next(job, NULL); i++)
            try_host(job, mtasts_mx_list_host(list, from + (turn + i) % (to - from)));
    }
}

/* A null MX says that the domain takes no mail (RFC 7505). No policy lists it, so that nobody can
 * have the mail of a protected domain returned by forging one. */
static void return_mail(struct job *job)
{
    struct attempt a = {.job = job, .mx = ".", .address = "-"};
    if (may_carry(&a)) {
        say(&a, "null MX", "");
        settle_all(job, FAILED, "5.1.10 the domain takes no mail");
    }
    tell_attempt(&a);
}

static void deliver_to_domain(struct job *job)
{
    mtasts_mx_list *list = NULL;
    if (!find_policy(job))
        return;
    if (mtasts_default_host_mx(job->sender->host, job->domain, &list) != MTASTS_OK)
        settle_all(job, DEFERRED, "4.4.3 the MX records cannot be looked up for now");
    else if (mtasts_mx_list_count(list) == 0)
        return_mail(job);
    try_hosts(job, list);
    if (job->refused && next(job, NULL) && look_again(job))
        try_hosts(job, list);
    mtasts_mx_list_free(list);
    mtasts_tlsrpt_record_free(job->tlsrpt);
    mtasts_outcome_free(job->outcome);
}

/* [192.0.2.1] or [IPv6:2001:db8::1]: there is nothing to look up. */
static void deliver_to_literal(struct job *job)
{
    char address[TEXT];
    const char *start = job->domain + 1;
    if (strncasecmp(start, "IPv6:", 5) == 0)
        start += 5;
    snprintf(address, sizeof address, "%.*s", (int)strcspn(start, "]"), start);
    try_address(job, job->domain, address);
}

static void deliver(struct job *job)
{
    if (job->domain[0] == '[')
        deliver_to_literal(job);
    else
        deliver_to_domain(job);
    for (size_t i = 0; i < job->sender->recipient_count; i++)
        if (strcmp(job->sender->recipients[i].domain, job->domain) == 0)
            tell_recipient(job->sender, &job->sender->recipients[i]);
}

/* Each domain in turn, the first time that it comes up. */
static int deliver_all(struct sender *sender)
{
    const struct recipient *all = sender->recipients;
    bool waits = false, failed = false;
    for (size_t i = 0, earlier; i < sender->recipient_count; i++) {
        struct job job = {.sender = sender, .domain = all[i].domain};
        for (earlier = 0; strcmp(all[earlier].domain, job.domain) != 0;)
            earlier++;
        if (*job.domain == '\0')
            tell_recipient(sender, &all[i]);
        else if (earlier == i)
            deliver(&job);
        waits |= all[i].fate == DEFERRED;
        failed |= all[i].fate == FAILED;
    }
    return waits ? EX_TEMPFAIL : failed ? EX_UNAVAILABLE : EX_OK;
}

/* ---- Setting up ---- */

/* Whether it may stand in a command: visible ASCII, no brackets. */
static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~' || *text == '<' || *text == '>')
            return false;
    return true;
}

/* Whether it could forge lines in a report. */
static bool has_control(const char *text)
{
    while (*text && !iscntrl((unsigned char)*text))
        text++;
    return *text != '\0';
}

static bool add_recipient(struct sender *sender, const char *address)
{
    struct recipient *r = &sender->recipients[sender->recipient_count++];
    const char *at = strrchr(address, '@');
    size_t len = at ? (size_t)(at + 1 - address) : 0;
    size_t room = sizeof r->path - len;
    int32_t status;
    if (len < 2 || strlen(address) >= TEXT || has_control(address))
        return false;
    memcpy(r->path, address, len);
    r->address = address;
    r->domain = r->path + len;
    status = is_plain(r->path) ? mtasts_domain_to_ascii(at + 1, r->domain, room) : MTASTS_OK;
    if (!is_plain(r->path))
        settle(r, FAILED, "5.6.7 the address is none, or it needs SMTPUTF8");
    else if (status == MTASTS_E_ADDRESS_LITERAL && is_plain(at))
        snprintf(r->domain, room, "%s", at + 1);
    else if (status != MTASTS_OK)
        settle(r, FAILED, mtasts_strerror(status));
    return true;
}

static void log_line(void *user, int32_t level, const char *message)
{
    (void)user;
    fprintf(stderr, "sender: <%d> %s\n", (int)level, message);
}

/* A number from 1 to `most`, or 0 for anything else. */
static int number(const char *text, int most)
{
    char *end;
    long value = strtol(text, &end, 10);
    return *end == '\0' && value > 0 && value <= most ? (int)value : 0;
}

static bool read_options(struct sender *sender, const char **nameservers, int argc, char **argv)
{
    mtasts_default_host_options *options = &sender->options;
    bool fine = true;
    for (int c; (c = getopt(argc, argv, "f:r:e:s:T:n:C:p:P:t:Lvj")) != -1;)
        switch (c) {
        case 'f': sender->from = optarg; break;
        case 'r': fine &= add_recipient(sender, optarg); break;
        case 'e': sender->helo = optarg; break;
        case 's': options->store = optarg; break;
        case 'T': options->tlsrpt_socket = optarg; break;
        case 'n': nameservers[options->nameserver_count++] = optarg; break;
        case 'C': options->ca_file = optarg; break;
        case 'p': fine &= number(sender->port = optarg, 65535) > 0; break;
        case 'P': fine &= (options->https_port = (uint16_t)number(optarg, 65535)) > 0; break;
        case 't': fine &= (sender->patience = number(optarg, 3600)) > 0; break;
        case 'L': options->allow_non_global = 1; break;
        case 'v': options->log = log_line; break;
        case 'j': sender->machine = true; break;
        default: fine = false;
        }
    options->size = sizeof *options;
    options->nameservers = nameservers;
    return fine && optind == argc && sender->from && is_plain(sender->from) &&
           is_plain(sender->helo) && sender->recipient_count > 0;
}

static int send_from_stdin(struct sender *sender)
{
    char error[TEXT];
    uint32_t limit = (uint32_t)sender->patience * 1000;
    sender->options.dns_timeout_ms = sender->options.connect_timeout_ms = limit;
    if (mtasts_version_check(MTASTS_VERSION_MAJOR, MTASTS_VERSION_MINOR, MTASTS_VERSION_PATCH)) {
        fprintf(stderr, "sender: libmtasts %s is too old\n", mtasts_version());
        return EX_CONFIG;
    }
    if (mtasts_default_host_open(&sender->options, &sender->host, error, sizeof error)) {
        fprintf(stderr, "sender: %s\n", error);
        return EX_CONFIG;
    }
    sender->config.size = sizeof sender->config;
    sender->config.fetch_timeout_ms = limit;
    sender->tls = smtp_tls();
    if (!sender->tls) {
        fprintf(stderr, "sender: cannot set up TLS\n");
        return EX_OSERR;
    }
    if (!smtp_read_message(&sender->message, stdin)) {
        fprintf(stderr, "sender: cannot read the message from standard input\n");
        return EX_NOINPUT;
    }
    return deliver_all(sender);
}

static int usage(void)
{
    fprintf(stderr,
            "usage: sender -f FROM -r RECIPIENT... [-s STORE] [-T SOCKET] [-e OWN_NAME]\n"
            "    [-t SECONDS] [-n NAMESERVER]... [-C CA_FILE] [-p PORT] [-P HTTPS_PORT] [-Lvj]"
            " < MESSAGE\n");
    return EX_USAGE;
}

int main(int argc, char **argv)
{
    char own_name[256] = "localhost";
    struct sender sender = {.helo = own_name, .port = "25", .patience = 60};
    const char **nameservers = calloc((size_t)argc, sizeof *nameservers);
    int status = EX_OSERR;
    sender.recipients = calloc((size_t)argc, sizeof *sender.recipients);
    gethostname(own_name, sizeof own_name - 1);
    signal(SIGPIPE, SIG_IGN);
    srand((unsigned)time(NULL) ^ (unsigned)getpid());
    if (nameservers && sender.recipients)
        status =
            read_options(&sender, nameservers, argc, argv) ? send_from_stdin(&sender) : usage();
    mtasts_default_host_close(sender.host);
    SSL_CTX_free(sender.tls);
    free(sender.message.data);
    free(sender.recipients);
    free(nameservers);
    return status;
}
