/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The C surface for the conformance runner: answers the line protocol of ../PROTOCOL.md by the
 * public functions of mtasts.h, and by nothing else of the library. words.c reads and writes the
 * protocol's words; documents.c, lookup.c and postfix.c answer the requests; main.c knows them by name.
 */

#ifndef SURFACE_H
#define SURFACE_H

#include <mtasts.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of a request, decoded in place, with a NUL after them. */
typedef struct octets {
    char *data;
    size_t len;
} octets;

/* The name of a number in the protocol. Tables of them end in a name that is NULL. */
typedef struct named {
    const char *name;
    int32_t number;
} named;

#define MAX_RECORDS 1024

void die(const char *why);

/* What is left of the request line: the next word, in three forms, or all words as records. */
char *word(void);
uint64_t number(void);
octets octets_word(void);
size_t read_records(mtasts_bytes *records);

octets decode(char *text);
int is_string(octets text);
int32_t numbered(const named *names, const char *name);
const char *name_of(const named *names, int32_t number);

/* Write words of the reply. */
void put(const char *data, size_t len);
void put_str(mtasts_str text);

void do_record(void);
void do_tlsrpt(void);
void do_report(void);
void do_policy(void);
void do_match(void);
void do_certificate(void);

void do_lookup(void);
void do_poll(void);
void do_txt(void);
void do_https(void);
void do_again(void);
void do_outcome(void);
void do_stored(void);
void do_verdict(void);

void do_postfix(void);
void do_next_hop(void);

/* The outcome of the last lookup that is done. */
const mtasts_outcome *the_outcome(void);

/* Frees what the requests of lookup.c work on. */
void lookup_end(void);

#endif
