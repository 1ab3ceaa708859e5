/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Requests about what Postfix reads. */

#include "surface.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const named DANE[] = {{"temporary", MTASTS_DOMAIN_DANE_TEMPORARY},
                             {"none", MTASTS_DOMAIN_DANE_NONE},
                             {"usable", MTASTS_DOMAIN_DANE_USABLE},
                             {NULL, 0}};
static const named VERSIONS[] = {{"3.0", MTASTS_POSTFIX_3_0},
                                 {"3.4", MTASTS_POSTFIX_3_4},
                                 {"3.10", MTASTS_POSTFIX_3_10},
                                 {NULL, 0}};
static const named LEVELS[] = {{"*", MTASTS_POSTFIX_LEVEL_NONE},
                               {"may", MTASTS_POSTFIX_LEVEL_MAY},
                               {"encrypt", MTASTS_POSTFIX_LEVEL_ENCRYPT},
                               {NULL, 0}};
static const named FOUND[] = {{"temporary", MTASTS_POSTFIX_TEMPORARY},
                              {"policy", MTASTS_POSTFIX_POLICY},
                              {"not-found", MTASTS_POSTFIX_NOT_FOUND},
                              {NULL, 0}};

void do_postfix(void)
{
    static char value[MTASTS_POSTFIX_VALUE_SIZE];
    mtasts_postfix_style style = {0};
    int32_t found, status;
    size_t length;

    style.size = sizeof style;
    style.dane = numbered(DANE, word());
    style.version = numbered(VERSIONS, word());
    style.level = numbered(LEVELS, word());
    status = mtasts_postfix_policy(the_outcome(), &style, &found, value, sizeof value, &length);
    if (status != MTASTS_OK) {
        printf("error %s", mtasts_strerror(status));
        return;
    }
    printf("postfix %s", name_of(FOUND, found));
    put(value, length);
}

void do_next_hop(void)
{
    octets key = octets_word();
    char *domain;
    int32_t status;

    if (!is_string(key)) {
        printf("unsupported");
        return;
    }
    domain = malloc(key.len + 1);
    if (domain == NULL)
        die("out of memory");
    status = mtasts_postfix_next_hop(key.data, domain, key.len + 1);
    if (status == MTASTS_E_ADDRESS_LITERAL) {
        printf("next-hop *");
    } else if (status == MTASTS_OK) {
        printf("next-hop");
        put(domain, strlen(domain));
    } else {
        printf("error %s", mtasts_strerror(status));
    }
    free(domain);
}
