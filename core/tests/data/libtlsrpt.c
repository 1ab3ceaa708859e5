/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Prints what libtlsrpt sends, a line for each datagram: how libtlsrpt.txt came to be, with version
 * 0.5.0rc1 of Debian 13 (libtlsrpt0-dev). Later versions begin with "dpv", which that one has not.
 *
 *     cc -o libtlsrpt libtlsrpt.c -ltlsrpt && ./libtlsrpt > libtlsrpt.txt
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <tlsrpt.h>
#include <unistd.h>

#define DOMAIN "example.com"
#define RECORD "v=TLSRPTv1;rua=mailto:r@example.com,https://example.com/r"
#define MX "mx.example.com"
#define HOSTILE "mx\"\\/\b\t\n\f\r\x01\x1f\x7f \xc3\xa9"

static const struct sockaddr_un ADDRESS = {AF_UNIX, "libtlsrpt.sock"};
static int collector;

static void print_datagram(void)
{
    char datagram[70000];
    ssize_t len = recv(collector, datagram, sizeof datagram, 0);
    printf("%.*s\n", (int)len, datagram);
}

static void send_result(tlsrpt_policy_type_t type, int with_policy, tlsrpt_failure_t policy_failure,
                        const char *why, tlsrpt_failure_t failure, const char *cause, int known)
{
    struct tlsrpt_connection_t *con;
    struct tlsrpt_dr_t *dr;
    tlsrpt_open(&con, ADDRESS.sun_path);
    tlsrpt_init_delivery_request(&dr, con, DOMAIN, RECORD);
    tlsrpt_init_policy(dr, type, type == TLSRPT_POLICY_TLSA ? MX : DOMAIN);
    if (with_policy) {
        tlsrpt_add_policy_string(dr, "version: STSv1");
        tlsrpt_add_policy_string(dr, "mode: testing");
        tlsrpt_add_policy_string(dr, "mx: mx.example.com");
        tlsrpt_add_policy_string(dr, "mx: *.example.com");
        tlsrpt_add_policy_string(dr, "max_age: 86400");
        tlsrpt_add_policy_string(dr, "x: \"\\\xc3\xa9");
        tlsrpt_add_mx_host_pattern(dr, MX);
        tlsrpt_add_mx_host_pattern(dr, "*.example.com");
    }
    if (policy_failure)
        tlsrpt_add_delivery_request_failure(dr, policy_failure, known ? "2001:db8::1" : NULL, NULL,
                                            NULL, NULL, NULL, why);
    if (failure && known)
        tlsrpt_add_delivery_request_failure(dr, failure, "2001:db8::1", MX, HOSTILE, "192.0.2.25",
                                            "https://example.net/?a", cause);
    else if (failure)
        tlsrpt_add_delivery_request_failure(dr, failure, NULL, MX, NULL, NULL, NULL, cause);
    tlsrpt_finish_policy(dr, failure ? TLSRPT_FINAL_FAILURE : TLSRPT_FINAL_SUCCESS);
    tlsrpt_finish_delivery_request(&dr);
    tlsrpt_close(&con);
    print_datagram();
}

int main(void)
{
    collector = socket(AF_UNIX, SOCK_DGRAM, 0);
    unlink(ADDRESS.sun_path);
    if (bind(collector, (const struct sockaddr *)&ADDRESS, sizeof ADDRESS) != 0)
        return 1;
    send_result(TLSRPT_POLICY_STS, 1, 0, NULL, 0, NULL, 0);
    send_result(TLSRPT_POLICY_STS, 1, 0, NULL, TLSRPT_STARTTLS_NOT_SUPPORTED,
                "starttls-not-supported", 0);
    send_result(TLSRPT_POLICY_STS, 1, 0, NULL, TLSRPT_CERTIFICATE_EXPIRED,
                "certificate has expired", 1);
    send_result(TLSRPT_POLICY_STS, 0, TLSRPT_STS_POLICY_FETCH_ERROR, "status-404", 0, NULL, 0);
    send_result(TLSRPT_POLICY_STS, 0, TLSRPT_STS_WEBPKI_INVALID, "webpki",
                TLSRPT_VALIDATION_FAILURE, "tls-failed", 1);
    send_result(TLSRPT_POLICY_TLSA, 0, 0, NULL, TLSRPT_VALIDATION_FAILURE, "dane-failed", 0);
    send_result(TLSRPT_NO_POLICY_FOUND, 0, 0, NULL, 0, NULL, 0);
    unlink(ADDRESS.sun_path);
    return 0;
}
