/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A text that grows. */
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void add_octets(struct text *text, const char *data, size_t len)
{
    size_t needed = text->len + len + 1;
    if (needed > text->size && !text->failed) {
        char *larger = realloc(text->data, 2 * needed);
        text->failed = larger == NULL;
        if (larger) {
            text->data = larger;
            text->size = 2 * needed;
        }
    }
    if (text->failed)
        return;
    memcpy(text->data + text->len, data, len);
    text->len += len;
    text->data[text->len] = '\0';
}

void add(struct text *text, const char *string)
{
    add_octets(text, string, strlen(string));
}

/* What comes from the network, for people: nothing in it means anything to Exim. */
void add_foreign(struct text *text, const char *string)
{
    for (; *string; string++)
        add_octets(
            text, *string > ' ' && *string <= '~' && !strchr("\"$\\{}", *string) ? string : "?", 1);
}

void add_number(struct text *text, unsigned long number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lu", number);
    add(text, digits);
}
