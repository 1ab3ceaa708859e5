/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What calls through the C ABI cost, as a mail server makes them: a verdict from a cached
 * outcome, with what it allocates, and beside it a call that does next to nothing. Prints lines
 * of a name, a value and a unit. malloc and its kin are counted as glibc lets a program do.
 * "abi instructions" calls each for instructions.py, and prints their names.
 */
#define _GNU_SOURCE
#include <mtasts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Short batches: some of them no other work interrupts. */
#define BATCHES 3000
#define CALLS 500
/* As instructions.rs does. */
#define COUNTED_CALLS 100

static unsigned long allocations;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t members, size_t size);
extern void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t members, size_t size)
{
    allocations++;
    return __libc_calloc(members, size);
}

void *realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}

/* A host whose store is one entry. */
struct world {
    char entry[2048];
    size_t len;
};

static void txt(void *user, const char *name, mtasts_answer *into)
{
    static const char record[] = "v=STSv1; id=20160831085700Z;";
    (void)user, (void)name;
    mtasts_answer_txt_record(into, record, sizeof record - 1);
    mtasts_answer_ttl(into, 3600);
}

static void https(void *user, const mtasts_fetch *request, mtasts_answer *into)
{
    static const char body[] = "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.com\r\n"
                               "mx: mx2.example.com\r\nmx: *.mail.example.net\r\n"
                               "mx: *.example.org\r\nmx: backup.example.com\r\n"
                               "max_age: 604800\r\n";
    (void)user, (void)request;
    mtasts_answer_http_status(into, 200);
    mtasts_answer_content_type(into, "text/plain", 10);
    mtasts_answer_body(into, body, sizeof body - 1);
}

static void load(void *user, const char *domain, mtasts_answer *into)
{
    const struct world *world = user;
    (void)domain;
    if (world->len > 0)
        mtasts_answer_stored(into, world->entry, world->len);
}

static void save(void *user, const mtasts_saved *saved)
{
    struct world *world = user;
    if (saved->text_len <= sizeof world->entry) {
        memcpy(world->entry, saved->text, saved->text_len);
        world->len = saved->text_len;
    }
}

static uint64_t now(void *user)
{
    (void)user;
    return 1767225600;
}

/* What is measured, each for `calls` calls. 0: success. */
struct subject {
    int calls;
    const mtasts_host *host;
    const mtasts_outcome *outcome;
    mtasts_session session;
};

static int empty(const struct subject *subject)
{
    int i, bad = 0;
    for (i = 0; i < subject->calls; i++)
        bad |= mtasts_abi_version() == UINT32_MAX;
    return bad;
}

static int matches(const struct subject *subject)
{
    const mtasts_policy *policy = mtasts_outcome_policy(subject->outcome);
    int i, bad = 0;
    for (i = 0; i < subject->calls; i++)
        bad |= mtasts_policy_matches(policy, subject->session.mx_host) != 1;
    return bad;
}

static int verdicts(const struct subject *subject)
{
    mtasts_verdict verdict = {0};
    int i, bad = 0;
    verdict.size = sizeof verdict;
    for (i = 0; i < subject->calls; i++) {
        bad |= mtasts_outcome_verdict(subject->outcome, &subject->session, &verdict);
        bad |= verdict.action != MTASTS_ACTION_DELIVER;
    }
    return bad;
}

static int resolves(const struct subject *subject)
{
    mtasts_outcome *outcome;
    int i, bad = 0;
    for (i = 0; i < subject->calls; i++) {
        bad |= mtasts_resolve("example.com", NULL, subject->host, &outcome);
        mtasts_outcome_free(outcome);
    }
    return bad;
}

static double nanoseconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Prints the least over batches of what one call takes: other work on the machine only adds. */
static int measure(const char *name, int batches, int (*calls)(const struct subject *),
                   const struct subject *subject)
{
    double least = 1e18;
    if (calls(subject) != 0)
        return fprintf(stderr, "%s: a call failed\n", name), 1;
    while (batches-- > 0) {
        double start = nanoseconds(), taken;
        calls(subject);
        taken = (nanoseconds() - start) / subject->calls;
        if (taken < least)
            least = taken;
    }
    printf("%s\t%.2f\tns\n", name, least);
    return 0;
}

/* Prints what one verdict allocates, and to show that counting works, one look-up. */
static int count(const struct subject *subject)
{
    unsigned long before = allocations, verdict, lookup;
    verdicts(subject);
    verdict = allocations - before;
    before = allocations;
    resolves(subject);
    lookup = allocations - before;
    printf("abi_verdict_allocations\t%.4g\tcount\n", (double)verdict / subject->calls);
    printf("abi_lookup_allocations\t%.4g\tcount\n", (double)lookup / subject->calls);
    return lookup == 0;
}

/* What callgrind toggles on. */
__attribute__((noinline)) static int measured(int (*calls)(const struct subject *),
                                              const struct subject *subject)
{
    return calls(subject) != 0;
}

/* Once before, so that nothing is done for the first time. */
static int counted(const char *name, int (*calls)(const struct subject *),
                   const struct subject *subject)
{
    int bad = calls(subject) || measured(calls, subject);
    puts(bad ? "a call failed" : name);
    return bad;
}

static int instructions(const struct subject *subject)
{
    return counted("abi_match", matches, subject) || counted("abi_verdict", verdicts, subject) ||
           counted("abi_lookup", resolves, subject);
}

static int everything(const struct subject *subject)
{
    return measure("abi_empty", BATCHES, empty, subject) ||
           measure("abi_match", BATCHES, matches, subject) ||
           measure("abi_verdict", BATCHES, verdicts, subject) ||
           measure("abi_lookup", BATCHES / 50, resolves, subject) || count(subject);
}

int main(int argc, char **argv)
{
    static struct world world;
    mtasts_host host = {0};
    mtasts_outcome *first = NULL, *cached = NULL;
    mtasts_outcome_facts facts = {0};
    struct subject subject = {0};
    int is_counted, bad;
    host.size = sizeof host;
    host.user = &world;
    host.txt = txt;
    host.https = https;
    host.load = load;
    host.save = save;
    host.now = now;
    facts.size = sizeof facts;
    if (mtasts_resolve("example.com", NULL, &host, &first) != MTASTS_OK ||
        mtasts_resolve("example.com", NULL, &host, &cached) != MTASTS_OK ||
        mtasts_outcome_get(cached, &facts) != MTASTS_OK || facts.basis != MTASTS_BASIS_CACHED)
        return fputs("no cached outcome\n", stderr), 1;
    subject.host = &host;
    subject.outcome = cached;
    subject.session.size = sizeof subject.session;
    subject.session.mx_host = "backup.example.com";
    subject.session.tls = MTASTS_TLS_ESTABLISHED;
    subject.session.certificate = MTASTS_CERTIFICATE_VALID;
    is_counted = argc > 1 && strcmp(argv[1], "instructions") == 0;
    subject.calls = is_counted ? COUNTED_CALLS : CALLS;
    bad = is_counted ? instructions(&subject) : everything(&subject);
    mtasts_outcome_free(cached);
    mtasts_outcome_free(first);
    return bad;
}
