/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* minimal FROM TO < MESSAGE: what MTA-STS adds to an MTA that has SMTP (smtp.h). sender.c is whole.
 */
#define _POSIX_C_SOURCE 200809L
#include <mtasts_host.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "smtp.h"

static mtasts_default_host *host; /* DNS, HTTPS, and the policies that all processes share */
static mtasts_outcome *outcome;   /* what applies to the domain */

static bool may_carry(mtasts_session *session)
{
    mtasts_verdict verdict = {.size = sizeof verdict};
    mtasts_outcome_verdict(outcome, session, &verdict);
    printf("%s: %s\n", session->mx_host, mtasts_action_name(verdict.action));
    return verdict.action == MTASTS_ACTION_DELIVER;
}

static int32_t check_certificate(SSL *ssl, const char *mx)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    int32_t certificate = MTASTS_CERTIFICATE_UNCHECKED;
    unsigned char *octets[8] = {NULL};
    mtasts_der ders[8];
    int count = sk_X509_num(chain) < 8 ? sk_X509_num(chain) : 8;
    for (int i = 0; i < count; i++) {
        ders[i].len = (size_t)i2d_X509(sk_X509_value(chain, i), &octets[i]);
        ders[i].data = octets[i];
    }
    mtasts_default_host_verify(host, ders, (size_t)count, mx, &certificate);
    for (int i = 0; i < count; i++)
        OPENSSL_free(octets[i]);
    return certificate;
}

static bool try_host(const char *mx, char *argv[], SSL_CTX *tls, const struct smtp_message *message)
{
    static const int32_t results[] = {MTASTS_TLS_NOT_OFFERED, MTASTS_TLS_FAILED,
                                      MTASTS_TLS_ESTABLISHED};
    mtasts_session session = {.size = sizeof session, .mx_host = mx};
    mtasts_address_list *addresses = NULL;
    const char *port = getenv("MTASTS_LAB_SMTP_PORT");
    struct smtp smtp;
    bool sent = false;
    if (!may_carry(&session) || mtasts_default_host_addresses(host, mx, &addresses) != MTASTS_OK)
        return false;
    if (smtp_open(&smtp, mtasts_address_list_text(addresses, 0), port ? port : "25", 30) == 220 &&
        smtp_hello(&smtp, "here.example") == 250) {
        session.tls = smtp.starttls ? results[smtp_start_tls(&smtp, tls, mx)]
                                    : (int32_t)MTASTS_TLS_NOT_OFFERED;
        if (session.tls == MTASTS_TLS_ESTABLISHED)
            session.certificate = check_certificate(smtp.ssl, mx);
        sent = may_carry(&session) && smtp_hello(&smtp, "here.example") == 250 &&
               smtp_command(&smtp, "MAIL FROM:<", argv[1], ">") == 250 &&
               smtp_command(&smtp, "RCPT TO:<", argv[2], ">") == 250 &&
               smtp_data(&smtp, message) == 250;
    }
    smtp_close(&smtp);
    mtasts_address_list_free(addresses);
    return sent;
}

int main(int argc, char *argv[])
{
    mtasts_default_host_options options = {.size = sizeof options, .store = getenv("STORE")};
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    mtasts_mx_list *list = NULL;
    struct smtp_message message;
    const char *domain = argc == 3 ? strrchr(argv[2], '@') : NULL;
    const char *nameserver = getenv("MTASTS_LAB_DNS");
    char error[256];
    bool sent = false;
    signal(SIGPIPE, SIG_IGN);
    if (!domain || !tls || !SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) ||
        !smtp_read_message(&message, stdin))
        return EX_USAGE;
    if (nameserver) { /* in the lab, whose variables these are */
        options.nameservers = &nameserver;
        options.nameserver_count = 1;
        options.ca_file = getenv("MTASTS_LAB_CA");
        options.https_port = (uint16_t)atoi(getenv("MTASTS_LAB_HTTPS_PORT"));
        options.allow_non_global = 1;
    }
    if (mtasts_default_host_open(&options, &host, error, sizeof error) != MTASTS_OK)
        return fprintf(stderr, "%s\n", error), EX_CONFIG;
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
    return sent ? EX_OK : EX_TEMPFAIL; /* whatever went wrong, the mail waits */
}
