/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* minimal FROM TO < MESSAGE: what MTA-STS adds to an MTA that has SMTP. sender.c is whole. */
#include "certificate.h"
#include "lab.h"
#include "smtp.h"
#include <signal.h>
#include <string.h>

static mtasts_default_host *host; /* DNS, HTTPS, and the policies that all processes share */
static mtasts_outcome *outcome;   /* what applies to the domain */

static bool may_carry(mtasts_session *session)
{
    mtasts_verdict verdict = {.size = sizeof verdict};
    mtasts_outcome_verdict(outcome, session, &verdict);
    printf("%s: %s\n", session->mx_host, mtasts_action_name(verdict.action));
    return verdict.action == MTASTS_ACTION_DELIVER;
}

static bool try_host(const char *mx, char *argv[], SSL_CTX *tls, const struct smtp_message *message)
{
    static const int32_t results[] = {MTASTS_TLS_NOT_OFFERED, MTASTS_TLS_FAILED,
                                      MTASTS_TLS_ESTABLISHED};
    mtasts_session session = {.size = sizeof session, .mx_host = mx};
    mtasts_address_list *found = NULL;
    struct smtp smtp;
    bool sent = false;
    if (!may_carry(&session) || mtasts_default_host_addresses(host, mx, &found) != MTASTS_OK)
        return false;
    if (smtp_open(&smtp, mtasts_address_list_text(found, 0), lab_smtp_port(), 30) == 220 &&
        smtp_hello(&smtp, "here.example") == 250) {
        session.tls = results[smtp.starttls ? smtp_start_tls(&smtp, tls, mx) : SMTP_TLS_REFUSED];
        if (session.tls == MTASTS_TLS_ESTABLISHED)
            session.certificate = check_certificate(host, smtp.ssl, mx);
        sent = may_carry(&session) && smtp.usable && smtp_hello(&smtp, "here.example") == 250 &&
               smtp_send(&smtp, argv[1], argv[2], message) == 250;
    }
    smtp_close(&smtp);
    mtasts_address_list_free(found);
    return sent;
}

int main(int argc, char *argv[])
{
    mtasts_default_host_options options = {.size = sizeof options, .store = getenv("STORE")};
    const char *domain = argc == 3 ? strrchr(argv[2], '@') : NULL;
    SSL_CTX *tls = smtp_tls();
    mtasts_mx_list *list = NULL;
    struct smtp_message message;
    char error[256];
    bool sent = false;
    signal(SIGPIPE, SIG_IGN);
    lab_options(&options);
    if (!domain || !tls || !smtp_read_message(&message, stdin))
        return 64; /* EX_USAGE */
    if (mtasts_default_host_open(&options, &host, error, sizeof error) != MTASTS_OK)
        return fprintf(stderr, "%s\n", error), 78; /* EX_CONFIG */
    if (mtasts_resolve(domain + 1, NULL, mtasts_default_host_callbacks(host), &outcome) ==
            MTASTS_OK &&
        mtasts_default_host_mx(host, domain + 1, &list) == MTASTS_OK)
        for (size_t i = 0; !sent && i < mtasts_mx_list_count(list); i++)
            sent = try_host(mtasts_mx_list_host(list, i), argv, tls, &message);
    mtasts_mx_list_free(list);
    mtasts_outcome_free(outcome);
    mtasts_default_host_close(host);
    SSL_CTX_free(tls);
    free(message.data);
    return sent ? 0 : 75; /* EX_TEMPFAIL: whatever went wrong, the mail waits */
}
