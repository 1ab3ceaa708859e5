/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A text that grows. Where memory runs out `failed` is set and the text stays as it was. Begin with
 * zeros; `data` is to be freed, and NULL as long as nothing was added.
 */
#ifndef TEXT_H
#define TEXT_H
#include <stdbool.h>
#include <stddef.h>

struct text {
    char *data;
    size_t len, size;
    bool failed;
};

void add_octets(struct text *text, const char *data, size_t len);
void add(struct text *text, const char *string);
void add_number(struct text *text, unsigned long number);

/* Adds what comes from the network, for people: nothing in it will mean anything to Exim. */
void add_foreign(struct text *text, const char *string);

#endif
