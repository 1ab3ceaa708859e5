/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The words of the line protocol. */

#include "surface.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die(const char *why)
{
    fprintf(stderr, "surface: %s\n", why);
    exit(1);
}

/* The next word of the request line. */
char *word(void)
{
    char *next = strtok(NULL, " ");
    if (next == NULL)
        die("a request is too short");
    return next;
}

uint64_t number(void)
{
    return strtoull(word(), NULL, 10);
}

octets octets_word(void)
{
    return decode(word());
}

int32_t numbered(const named *names, const char *name)
{
    for (; names->name != NULL; names++)
        if (strcmp(names->name, name) == 0)
            return names->number;
    die(name);
    return 0;
}

const char *name_of(const named *names, int32_t number)
{
    for (; names->name != NULL; names++)
        if (names->number == number)
            return names->name;
    return "*";
}

static int digit(char c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* Commas and "-" stand for no octets, so the strings of a record come out joined. */
octets decode(char *text)
{
    octets out = {text, 0};
    for (; *text != '\0'; text++) {
        if (*text == ',' || *text == '-')
            continue;
        out.data[out.len++] = (char)(digit(text[0]) << 4 | digit(text[1]));
        text++;
    }
    out.data[out.len] = '\0';
    return out;
}

/* Whether octets can be a C string, which ends at the first NUL. */
int is_string(octets text)
{
    return strlen(text.data) == text.len;
}

void put(const char *data, size_t len)
{
    printf(len == 0 ? " -" : " ");
    for (; len > 0; data++, len--)
        printf("%02x", (unsigned)(unsigned char)*data);
}

void put_str(mtasts_str text)
{
    put(text.data, text.len);
}

size_t read_records(mtasts_bytes *records)
{
    size_t count = 0;
    for (char *next; (next = strtok(NULL, " ")) != NULL; count++) {
        octets record = decode(next);
        if (count == MAX_RECORDS)
            die("too many records");
        records[count].data = record.data;
        records[count].len = record.len;
    }
    return count;
}
