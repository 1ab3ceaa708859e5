/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A verdict allocates nothing: malloc and its kin are counted while verdicts are asked for.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <mtasts.h>
#include <stdio.h>
#include <string.h>

static unsigned long count;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t members, size_t size);
extern void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
    count++;
    return __libc_malloc(size);
}

void *calloc(size_t members, size_t size)
{
    count++;
    return __libc_calloc(members, size);
}

void *realloc(void *old, size_t size)
{
    count++;
    return __libc_realloc(old, size);
}

static void txt(void *user, const char *name, mtasts_answer *into)
{
    (void)user, (void)name;
    mtasts_answer_txt_record(into, "v=STSv1; id=a", 13);
}

static void https(void *user, const mtasts_fetch *request, mtasts_answer *into)
{
    static const char body[] =
        "version: STSv1\nmode: enforce\nmx: *.example.com\nmx: a.example.net\nmax_age: 1\n";
    (void)user, (void)request;
    mtasts_answer_http_status(into, 200);
    mtasts_answer_content_type(into, "text/plain", 10);
    mtasts_answer_body(into, body, sizeof body - 1);
}

static uint64_t now(void *user)
{
    (void)user;
    return 1;
}

int main(void)
{
    mtasts_host host = {0};
    mtasts_outcome *outcome = NULL;
    mtasts_session session = {0};
    mtasts_verdict verdict = {0};
    unsigned long before, resolving, judging;
    int i;
    host.size = sizeof host;
    host.txt = txt;
    host.https = https;
    host.now = now;
    before = count;
    if (mtasts_resolve("example.com", NULL, &host, &outcome) != MTASTS_OK)
        return 2;
    resolving = count - before;
    session.size = sizeof session;
    session.mx_host = "MX.example.com.";
    verdict.size = sizeof verdict;
    before = count;
    for (i = 0; i < 1000; i++) {
        session.tls = i % 4;
        session.certificate = i % 6;
        if (mtasts_outcome_verdict(outcome, &session, &verdict) != MTASTS_OK)
            return 2;
    }
    judging = count - before;
    printf("1000 verdicts: %lu allocations (a first look-up: %lu)\n", judging, resolving);
    if (judging != 0 || resolving == 0) /* 0 would mean that nothing is counted */
        return 1;
    mtasts_outcome_free(outcome);
    return 0;
}
