/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What sessions came to, on its way to the TLSRPT collector (RFC 8460, R-RPT-4).
 *
 *     mtasts_exim_event  {EVENT}{DATA}{DOMAIN}{MX HOST}{ADDRESSES}{STATE}{OPTIONS}...
 *
 * is for the option event_action of a transport; mtasts.conf has the words. It only looks on: it
 * gives "" whatever happens, by which Exim goes on. From a connection's events follows how far TLS
 * got and which certificates were shown; the policy is then looked up, and the collector told, by a
 * process of its own, so that the delivery is done with whatever becomes of the report.
 *
 *     tls:cert    a certificate that the MX host showed
 *     smtp:ehlo   what it offers; within TLS: the session stands
 *     dane:fail   its TLSA records stood against it
 *     tcp:close   nothing more will come to be known
 */
#define _POSIX_C_SOURCE 200809L
#define DLFUNC_IMPL
#include "report.h"
#include "background.h"
#include "text.h"
#include <local_scan.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

/* The most certificates of a chain that are looked at. */
enum { CHAIN = 16, ERROR_SIZE = 512 };

/* The arguments, in their order. */
enum { NAME, DATA, DOMAIN, MX_HOST, ADDRESSES, STATE, OPTIONS };

/* What a connection's events have told so far. */
static struct {
    char *chain[CHAIN]; /* base64, the MX host's own first */
    bool is_greeted, offers_tls, is_reported;
    int32_t dane;
} seen;

/* The address with which TLS failed last: Exim may call it once more and do without TLS. */
static char *failed;

mtasts_tlsrpt_record *find_record(const struct settings *settings, const char *domain)
{
    mtasts_tlsrpt_record *record;
    mtasts_default_host_tlsrpt_record(settings->host, domain, &record);
    return record;
}

bool report(const struct settings *settings, const mtasts_outcome *outcome,
            const mtasts_session *session, const mtasts_tlsrpt_record *record,
            const mtasts_tlsrpt_details *details)
{
    static char datagram[MTASTS_TLSRPT_DATAGRAM_SIZE];
    size_t len = 0;
    mtasts_tlsrpt_datagram(outcome, session, record, details, datagram, sizeof datagram, &len);
    if (mtasts_default_host_tlsrpt_send(settings->host, datagram, len) == MTASTS_OK)
        return true;
    log_write(0, LOG_MAIN, "mtasts: the TLSRPT collector at %s does not take a report",
              settings->options.tlsrpt_socket);
    return false;
}

/* ---- The certificates ---- */

/* The value of a digit of base64 (RFC 4648 section 4), or -1. */
static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* Decodes base64 where it stands. Returns the octets. */
static mtasts_der decode(char *text)
{
    mtasts_der der = {(const unsigned char *)text, 0};
    unsigned long bits = 0;
    int count = 0;
    for (const char *c = text; digit(*c) >= 0; c++) {
        bits = bits << 6 | (unsigned long)digit(*c);
        count += 6;
        if (count >= 8) {
            count -= 8;
            text[der.len++] = (char)(bits >> count & 0xff);
        }
    }
    return der;
}

/* What the library makes of the chain that was shown. */
static int32_t judge_chain(const struct settings *settings, const char *mx)
{
    mtasts_der chain[CHAIN];
    int32_t certificate = MTASTS_CERTIFICATE_INVALID;
    size_t count = 0;
    for (; count < CHAIN && seen.chain[count]; count++)
        chain[count] = decode(seen.chain[count]);
    mtasts_default_host_verify(settings->host, chain, count, mx, &certificate);
    return certificate;
}

/* ---- The session ---- */

static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (; *words; words += strcspn(words, " ")) {
        words += strspn(words, " ");
        if (strcspn(words, " ") == len && strncmp(words, word, len) == 0)
            return true;
    }
    return false;
}

/* Exim has verified what it wanted to. It does not say what was wrong with a certificate: that the
 * library finds out once more. */
static void judge(const struct settings *settings, const char *state, mtasts_session *session)
{
    bool is_standing = session->tls == MTASTS_TLS_ESTABLISHED;
    if (has_word(state, "verified") && is_standing) {
        session->certificate = MTASTS_CERTIFICATE_VALID;
        return;
    }
    if (session->tls == MTASTS_TLS_FAILED && seen.chain[0])
        session->tls = MTASTS_TLS_ESTABLISHED; /* as far as certificates */
    if (session->tls != MTASTS_TLS_ESTABLISHED)
        return;
    session->certificate = judge_chain(settings, session->mx_host);
    if (session->certificate == MTASTS_CERTIFICATE_VALID && !is_standing)
        session->tls = MTASTS_TLS_FAILED; /* by something else */
}

/* Splits "ADDRESS OWN" in two. */
static void tell_addresses(char *addresses, mtasts_tlsrpt_details *details)
{
    char *rest = addresses;
    details->receiving_ip = strtok_r(rest, " ", &rest);
    details->sending_mta_ip = strtok_r(rest, " ", &rest);
}

/* Finds the policy and reports the session. In the background. */
static void look_up_and_report(const struct settings *settings, char *argv[],
                               mtasts_session *session)
{
    mtasts_tlsrpt_details details = {.size = sizeof details};
    const mtasts_host *host = mtasts_default_host_callbacks(settings->host);
    mtasts_tlsrpt_record *record = find_record(settings, argv[DOMAIN]);
    mtasts_outcome *outcome = NULL;
    char ascii[MTASTS_DOMAIN_SIZE];
    if (record && mtasts_domain_to_ascii(argv[DOMAIN], ascii, sizeof ascii) == MTASTS_OK &&
        mtasts_resolve(ascii, &settings->config, host, &outcome) == MTASTS_OK) {
        judge(settings, argv[STATE], session);
        tell_addresses(argv[ADDRESSES], &details);
        report(settings, outcome, session, record, &details);
    }
    mtasts_outcome_free(outcome);
    mtasts_tlsrpt_record_free(record);
}

/* Has the session reported. */
static void report_in_background(int argc, char *argv[], int32_t tls)
{
    mtasts_session session = {.size = sizeof session, .mx_host = argv[MX_HOST], .tls = tls};
    char error[ERROR_SIZE] = "";
    const struct settings *settings;
    seen.is_reported = true;
    if (!*argv[DOMAIN] || !in_background())
        return;
    session.dane = tls == MTASTS_TLS_ESTABLISHED && has_word(argv[STATE], "dane")
                       ? MTASTS_DANE_PASSED
                       : seen.dane;
    /* Where Exim goes by TLSA records it goes by nothing else. */
    session.mx_secure = session.dane != MTASTS_DANE_NOT_USED;
    settings = open_settings_of(argc - OPTIONS, argv + OPTIONS, error, sizeof error);
    be_quiet(); /* of policies the router has told */
    if (settings)
        look_up_and_report(settings, argv, &session);
    else
        log_write(0, LOG_MAIN, "mtasts: no TLS report: %s", error);
    _exit(0);
}

/* ---- The events ---- */

static void forget(void)
{
    for (size_t i = 0; i < CHAIN; i++)
        free(seen.chain[i]);
    memset(&seen, 0, sizeof seen);
}

/* `data` is "DEPTH BASE64". */
static void see_certificate(const char *data)
{
    char *end;
    unsigned long depth = strtoul(data, &end, 10);
    if (end == data || depth >= CHAIN)
        return;
    free(seen.chain[depth]);
    seen.chain[depth] = strdup(end + strspn(end, " "));
}

/* Whether a reply to EHLO offers STARTTLS (RFC 3207). */
static bool offers_tls(const char *reply)
{
    for (; *reply; reply += strspn(reply, "\r\n")) {
        size_t len = strcspn(reply, " \r\n");
        const char *word = strncmp(reply, "250", 3) == 0 && reply[3] ? reply + 4 : reply;
        size_t word_len = strcspn(word, " \r\n");
        if (word_len == 8 && strncasecmp(word, "STARTTLS", 8) == 0)
            return true;
        reply += len + strcspn(reply + len, "\r\n");
    }
    return false;
}

static void see_greeting(int argc, char *argv[])
{
    if (has_word(argv[STATE], "tls")) {
        report_in_background(argc, argv, MTASTS_TLS_ESTABLISHED);
        return;
    }
    seen.is_greeted = true;
    seen.offers_tls = offers_tls(argv[DATA]);
}

static void see_dane_failure(int argc, char *argv[])
{
    if (strncmp(argv[DATA], "starttls-not-supported", 22) == 0)
        seen.dane = MTASTS_DANE_USABLE;
    else if (strncmp(argv[DATA], "validation-failure", 18) == 0)
        seen.dane = MTASTS_DANE_FAILED;
    else if (strncmp(argv[DATA], "dnssec-invalid", 14) == 0)
        seen.dane = MTASTS_DANE_LOOKUP_FAILED;
    if (seen.dane == MTASTS_DANE_LOOKUP_FAILED) { /* there will be no connection */
        report_in_background(argc, argv, MTASTS_TLS_NOT_TRIED);
        forget();
    }
}

/* What has not been reported had no TLS. */
static void see_end(int argc, char *argv[])
{
    bool is_second = failed && strcmp(failed, argv[ADDRESSES]) == 0;
    if (seen.is_greeted && !seen.is_reported && !is_second) {
        report_in_background(argc, argv,
                             seen.offers_tls ? MTASTS_TLS_FAILED : MTASTS_TLS_NOT_OFFERED);
        free(failed);
        failed = strdup(argv[ADDRESSES]);
    }
    forget();
}

PUBLIC exim_dlfunc_t mtasts_exim_event;

int mtasts_exim_event(uschar **yield, int argc, uschar *arguments[])
{
    char **argv = (char **)arguments;
    if (argc <= OPTIONS)
        log_write(0, LOG_MAIN, "mtasts: no TLS report: too few arguments");
    else if (strcmp(argv[NAME], "tls:cert") == 0)
        see_certificate(argv[DATA]);
    else if (strcmp(argv[NAME], "smtp:ehlo") == 0)
        see_greeting(argc, argv);
    else if (strcmp(argv[NAME], "dane:fail") == 0)
        see_dane_failure(argc, argv);
    else if (strcmp(argv[NAME], "tcp:close") == 0)
        see_end(argc, argv);
    *yield = string_copy_function((const uschar *)"");
    return OK;
}
