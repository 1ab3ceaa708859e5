/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Memory that runs out, at each allocation in turn: that one fails, or it and all that follow. What
 * the header promises is that the process ends by abort(), with a line on descriptor 2, or that the
 * call does what it says; never another signal, and never a verdict that lets mail go.
 */
#define _POSIX_C_SOURCE 200809L
#include <mtasts.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t members, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

/* The allocations yet to succeed; then one fails, or all. Less than 0: all succeed. */
static long left = -1;
static int all_fail;

static int fails(void)
{
    if (left < 0)
        return 0;
    if (left > 0) {
        left--;
        return 0;
    }
    if (!all_fail)
        left = -1;
    return 1;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t members, size_t size)
{
    return fails() ? NULL : __libc_calloc(members, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *found = fails() ? NULL : __libc_memalign(alignment, size);
    *out = found ? found : *out;
    return found ? 0 : 12;
}

static const char BODY[] = "version: STSv1\nmode: enforce\nmx: *.example.com\nmax_age: 86400\n";
static const char JSON[] =
    "{\"date-range\": {\"start-datetime\": \"2026-01-01T00:00:00Z\", \"end-datetime\": "
    "\"2026-01-01T23:59:59Z\"}, \"report-id\": \"1\", \"policies\": []}";
static const char RECORD[] = "v=TLSRPTv1; rua=mailto:a@example.com";

static void txt(void *user, const char *name, mtasts_answer *into)
{
    (void)user, (void)name;
    mtasts_answer_txt_record(into, "v=STSv1; id=a", 13);
}

static void https(void *user, const mtasts_fetch *request, mtasts_answer *into)
{
    (void)user, (void)request;
    mtasts_answer_http_status(into, 200);
    mtasts_answer_content_type(into, "text/plain", 10);
    mtasts_answer_body(into, BODY, sizeof BODY - 1);
}

static void save(void *user, const mtasts_saved *entry)
{
    (void)user, (void)entry;
}

static uint64_t now(void *user)
{
    (void)user;
    return 1767225600;
}

/* 0, or 1 for a verdict that lets mail go. */
static int judge(const mtasts_outcome *outcome)
{
    mtasts_session session = {0};
    mtasts_verdict verdict = {0};
    session.size = sizeof session;
    session.mx_host = "mx.example.com";
    session.tls = MTASTS_TLS_NOT_OFFERED;
    verdict.size = sizeof verdict;
    mtasts_outcome_verdict(outcome, &session, &verdict);
    return verdict.action == MTASTS_ACTION_DEFER ? 0 : 1;
}

static void tell(const mtasts_outcome *outcome)
{
    static char buffer[MTASTS_TLSRPT_DATAGRAM_SIZE];
    mtasts_tlsrpt_record *record = NULL;
    mtasts_session session = {0};
    mtasts_bytes bytes;
    size_t length;
    bytes.data = RECORD;
    bytes.len = sizeof RECORD - 1;
    session.size = sizeof session;
    session.mx_host = "mx.example.com";
    session.tls = MTASTS_TLS_NOT_OFFERED;
    mtasts_tlsrpt_record_select(&bytes, 1, &record, NULL);
    mtasts_tlsrpt_datagram(outcome, &session, record, NULL, buffer, sizeof buffer, &length);
    mtasts_tlsrpt_record_free(record);
}

static void count(const mtasts_outcome *outcome)
{
    mtasts_report_counter *counter = NULL;
    mtasts_report_sender sender = {0};
    mtasts_report *report = NULL;
    mtasts_session session = {0};
    session.size = sizeof session;
    session.mx_host = "mx.example.com";
    session.tls = MTASTS_TLS_NOT_OFFERED;
    sender.size = sizeof sender;
    sender.organization_name = sender.contact_info = "a";
    sender.submitter = "a.example";
    mtasts_report_counter_new(&counter);
    mtasts_report_counter_session(counter, 1767225600, outcome, &session, NULL);
    mtasts_report_counter_take(counter, UINT64_MAX, &sender, &report);
    (void)mtasts_report_json(report);
    mtasts_report_counter_add(counter, "example.com", report);
    mtasts_report_free(report);
    mtasts_report_parse(JSON, sizeof JSON - 1, &report, NULL);
    mtasts_report_free(report);
    mtasts_report_counter_free(counter);
}

/* Most of what the library can do. */
static int work(void)
{
    mtasts_host host = {0};
    mtasts_outcome *outcome = NULL, *again = NULL;
    mtasts_policy *policy = NULL;
    int is_weak;
    host.size = sizeof host;
    host.txt = txt;
    host.https = https;
    host.save = save;
    host.now = now;
    mtasts_resolve("example.com", NULL, &host, &outcome);
    is_weak = judge(outcome);
    mtasts_resolve_again(outcome, NULL, &host, &again);
    is_weak = is_weak || judge(again);
    mtasts_policy_parse(BODY, sizeof BODY - 1, 0, &policy, NULL);
    tell(outcome);
    count(outcome);
    mtasts_policy_free(policy);
    mtasts_outcome_free(again);
    mtasts_outcome_free(outcome);
    return is_weak;
}

static int ended, aborted;

/* Whether the child ended as it may; `said` is whether it has written to descriptor 2. */
static int is_fine(int status, int said)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        ended++;
        return 1;
    }
    aborted++;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && said;
}

/* Lets the allocation after `number` others fail, in a child. */
static int fails_well(long number)
{
    char line[256];
    int ends[2], status = 0, said;
    pid_t child;
    if (pipe(ends) != 0)
        return 0;
    child = fork();
    if (child == 0) {
        int is_weak;
        dup2(ends[1], 2);
        left = number;
        is_weak = work();
        left = -1;
        _exit(is_weak);
    }
    close(ends[1]);
    said = read(ends[0], line, sizeof line) > 0;
    close(ends[0]);
    if (child > 0 && waitpid(child, &status, 0) == child && is_fine(status, said))
        return 1;
    fprintf(stderr, "out_of_memory.c: allocation %ld: the child ends with %d\n", number, status);
    return 0;
}

int main(void)
{
    const struct rlimit no_core = {0, 0};
    long number, total;
    int failures = 0;
    setrlimit(RLIMIT_CORE, &no_core);
    left = total = 1000000;
    if (work() != 0)
        return 2;
    total -= left;
    left = -1;
    for (all_fail = 0; all_fail < 2; all_fail++)
        for (number = 0; number < total; number++)
            failures += !fails_well(number);
    printf(
        "%ld allocations, each failing alone and with all that follow: %d times the work was done "
        "all the same, %d times the process ended by abort\n",
        total, ended, aborted);
    return failures != 0 || total < 50; /* fewer would mean that they are not counted */
}
