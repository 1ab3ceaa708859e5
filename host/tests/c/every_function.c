/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Every function of libmtasts-host with what it must withstand: NULL for each pointer, sizes of 0
 * and none. Prints the names of the functions, which ffi/tests/hardness.sh compares with those that
 * the library exports. It is called with a lab's name server, its roots and HTTPS port, and a
 * store.
 */
#include <mtasts_host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void check(int holds, const char *what, const char *arguments)
{
    if (!holds) {
        fprintf(stderr, "not so: %s%s\n", what, arguments);
        failures++;
    }
}

static void check_call(int holds, const char *name, const char *arguments)
{
    puts(name);
    check(holds, name, arguments);
}

/* What the call gives, or that nothing comes of it. */
#define GIVES(name, arguments, wanted) check_call(name arguments == (wanted), #name, #arguments)
#define DOES_NOTHING(name, arguments) (name arguments, check_call(1, #name, #arguments))
#define IS(value, wanted) check((value) == (wanted), #value, " == " #wanted)

#define ARGUMENT MTASTS_E_ARGUMENT
#define NEVER_SET ((size_t)-1)

static mtasts_default_host *open_host(char *argv[])
{
    mtasts_default_host_options options = {0};
    mtasts_default_host *host = NULL;
    const char *nameserver = argv[1];
    char error[200];
    options.size = sizeof options;
    options.nameservers = &nameserver;
    options.nameserver_count = 1;
    options.ca_file = argv[2];
    options.https_port = (uint16_t)atoi(argv[3]);
    options.store = argv[4];
    options.allow_non_global = 1;
    if (mtasts_default_host_open(&options, &host, error, sizeof error) != MTASTS_OK) {
        fprintf(stderr, "%s\n", error);
        exit(2);
    }
    return host;
}

static void opening(void)
{
    mtasts_default_host_options options = {0};
    mtasts_default_host *host = NULL;
    char error[4] = "abc";
    GIVES(mtasts_default_host_open, (NULL, NULL, NULL, 0), ARGUMENT);
    GIVES(mtasts_default_host_open, (&options, &host, NULL, 0), MTASTS_E_SIZE);
    options.size = NEVER_SET;
    GIVES(mtasts_default_host_open, (&options, &host, error, 0), MTASTS_E_SIZE);
    options.size = sizeof options;
    options.nameserver_count = NEVER_SET;
    GIVES(mtasts_default_host_open, (&options, &host, error, sizeof error), ARGUMENT);
    options.nameservers = (const char *const *)error;
    GIVES(mtasts_default_host_open, (&options, &host, NULL, 7), ARGUMENT);
    options.nameserver_count = 0;
    options.store = "/nowhere";
    GIVES(mtasts_default_host_open, (&options, &host, error, sizeof error), MTASTS_HOST_E_STORE);
    IS(strlen(error), 3);
    IS(host, NULL);
    DOES_NOTHING(mtasts_default_host_close, (NULL));
}

static void without_a_host(void)
{
    int32_t number = 77, certificate = MTASTS_CERTIFICATE_VALID;
    mtasts_mx_list *mx = (mtasts_mx_list *)&number; /* as after an earlier call */
    mtasts_address_list *addresses = (mtasts_address_list *)&number;
    mtasts_dane *dane = (mtasts_dane *)&number;
    mtasts_domain_list *domains = (mtasts_domain_list *)&number;
    mtasts_tlsrpt_record *record = (mtasts_tlsrpt_record *)&number;
    GIVES(mtasts_default_host_callbacks, (NULL), NULL);
    GIVES(mtasts_default_host_addresses, (NULL, "a.example", &addresses), ARGUMENT);
    GIVES(mtasts_default_host_dane, (NULL, "a.example", &dane), ARGUMENT);
    GIVES(mtasts_default_host_dane_of_domain, (NULL, "a.example", &number), ARGUMENT);
    IS(number, MTASTS_DOMAIN_DANE_TEMPORARY);
    GIVES(mtasts_default_host_mx, (NULL, "a.example", &mx), ARGUMENT);
    GIVES(mtasts_default_host_reread, (NULL), ARGUMENT);
    GIVES(mtasts_default_host_store_domains, (NULL, &domains), ARGUMENT);
    GIVES(mtasts_default_host_store_remove, (NULL, "a.example", &number), ARGUMENT);
    GIVES(mtasts_default_host_tlsrpt_record, (NULL, "a.example", &record), ARGUMENT);
    GIVES(mtasts_default_host_tlsrpt_send, (NULL, "a", 1), ARGUMENT);
    GIVES(mtasts_default_host_verify, (NULL, NULL, 0, "a.example", &certificate), ARGUMENT);
    IS(certificate, MTASTS_CERTIFICATE_INVALID);
    IS(mx, NULL);
    IS(addresses, NULL);
    IS(dane, NULL);
    IS(domains, NULL);
    IS(record, NULL);
}

static void with_a_host(mtasts_default_host *host)
{
    mtasts_der chain = {NULL, 1};
    int32_t number = 77;
    GIVES(mtasts_default_host_addresses, (host, NULL, NULL), ARGUMENT);
    GIVES(mtasts_default_host_addresses, (host, "a.example", NULL), ARGUMENT);
    GIVES(mtasts_default_host_dane, (host, "a.example", NULL), ARGUMENT);
    GIVES(mtasts_default_host_dane_of_domain, (host, NULL, &number), ARGUMENT);
    GIVES(mtasts_default_host_dane_of_domain, (host, "a.example", NULL), ARGUMENT);
    GIVES(mtasts_default_host_mx, (host, NULL, NULL), ARGUMENT);
    GIVES(mtasts_default_host_store_domains, (host, NULL), ARGUMENT);
    GIVES(mtasts_default_host_store_remove, (host, NULL, &number), ARGUMENT);
    GIVES(mtasts_default_host_tlsrpt_record, (host, "a.example", NULL), ARGUMENT);
    GIVES(mtasts_default_host_tlsrpt_send, (host, NULL, 1), ARGUMENT);
    GIVES(mtasts_default_host_tlsrpt_send, (host, "a", NEVER_SET), ARGUMENT);
    GIVES(mtasts_default_host_tlsrpt_send, (host, NULL, 0), MTASTS_OK);
    GIVES(mtasts_default_host_verify, (host, &chain, 1, "a.example", NULL), ARGUMENT);
    GIVES(mtasts_default_host_verify, (host, &chain, 1, "a.example", &number), ARGUMENT);
    GIVES(mtasts_default_host_verify, (host, NULL, 1, "a.example", &number), ARGUMENT);
    GIVES(mtasts_default_host_verify, (host, &chain, NEVER_SET, "a.example", &number), ARGUMENT);
    chain.data = "a";
    chain.len = NEVER_SET;
    GIVES(mtasts_default_host_verify, (host, &chain, 1, "a.example", &number), ARGUMENT);
    chain.len = 0;
    GIVES(mtasts_default_host_verify, (host, &chain, 1, "a.example", &number), MTASTS_OK);
    IS(number, MTASTS_CERTIFICATE_INVALID);
    GIVES(mtasts_default_host_verify, (host, &chain, 1, NULL, &number), ARGUMENT);
    GIVES(mtasts_default_host_reread, (host), MTASTS_OK);
}

static void lists(void)
{
    mtasts_der chain = {NULL, 0};
    int32_t status = 77;
    GIVES(mtasts_address_list_count, (NULL), 0);
    GIVES(mtasts_address_list_text, (NULL, 0), NULL);
    GIVES(mtasts_domain_list_count, (NULL), 0);
    GIVES(mtasts_domain_list_name, (NULL, NEVER_SET), NULL);
    GIVES(mtasts_mx_list_count, (NULL), 0);
    GIVES(mtasts_mx_list_host, (NULL, 0), NULL);
    GIVES(mtasts_mx_list_preference, (NULL, 0), 0);
    GIVES(mtasts_mx_list_is_implicit, (NULL), 0);
    GIVES(mtasts_mx_list_is_secure, (NULL), 0);
    GIVES(mtasts_dane_status, (NULL), MTASTS_DANE_LOOKUP_FAILED);
    GIVES(mtasts_dane_server_name, (NULL), NULL);
    GIVES(mtasts_dane_check, (NULL, NULL, &chain, 1, &status), ARGUMENT);
    IS(status, MTASTS_DANE_FAILED);
    GIVES(mtasts_dane_check, (NULL, NULL, &chain, 1, NULL), ARGUMENT);
    DOES_NOTHING(mtasts_address_list_free, (NULL));
    DOES_NOTHING(mtasts_domain_list_free, (NULL));
    DOES_NOTHING(mtasts_mx_list_free, (NULL));
    DOES_NOTHING(mtasts_dane_free, (NULL));
}

static void names(void)
{
    char name[4] = "abc";
    GIVES(mtasts_domain_to_ascii, (NULL, name, sizeof name), ARGUMENT);
    GIVES(mtasts_domain_to_ascii, ("a.example", NULL, 4), ARGUMENT);
    GIVES(mtasts_domain_to_ascii, ("a.example", name, 0), MTASTS_E_TOO_LARGE);
    GIVES(mtasts_domain_to_ascii, ("a.example", name, sizeof name), MTASTS_E_TOO_LARGE);
}

int main(int argc, char *argv[])
{
    mtasts_default_host *host;
    if (argc != 5)
        return 2;
    opening();
    without_a_host();
    host = open_host(argv);
    with_a_host(host);
    mtasts_default_host_close(host);
    lists();
    names();
    return failures ? 1 : 0;
}
