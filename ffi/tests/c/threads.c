/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the header lets threads share: pointers to const, read by several at once; and what each has
 * of its own, at the same time. Run under helgrind by hardness.sh beside it; with "wrong" as its
 * argument it does what is forbidden.
 */
#include <mtasts.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define THREADS 4
#define ROUNDS 20

static const char BODY[] = "version: STSv1\nmode: enforce\nmx: *.example.com\nmax_age: 86400\n";
static const char JSON[] =
    "{\"date-range\": {\"start-datetime\": \"2026-01-01T00:00:00Z\", \"end-datetime\": "
    "\"2026-01-01T23:59:59Z\"}, \"report-id\": \"1\", \"policies\": []}";
static const char RECORD[] = "v=TLSRPTv1; rua=mailto:a@example.com";

/* What all of them share. */
static const mtasts_outcome *outcome;
static const mtasts_policy *policy;
static const mtasts_report *report;
static const mtasts_tlsrpt_record *record;

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

static uint64_t now(void *user)
{
    (void)user;
    return 1767225600;
}

static int resolve(mtasts_outcome **out)
{
    mtasts_host host = {0};
    host.size = sizeof host;
    host.txt = txt;
    host.https = https;
    host.now = now;
    return mtasts_resolve("example.com", NULL, &host, out);
}

/* Whether the shared outcome says what it must. */
static int judges_well(void)
{
    mtasts_session session = {0};
    mtasts_verdict verdict = {0};
    mtasts_postfix_style style = {0};
    char buffer[300];
    int32_t found;
    size_t length = 0;
    session.size = sizeof session;
    session.mx_host = "mx.example.com";
    session.tls = MTASTS_TLS_NOT_OFFERED;
    verdict.size = sizeof verdict;
    style.size = sizeof style;
    style.dane = MTASTS_DOMAIN_DANE_NONE;
    return mtasts_outcome_verdict(outcome, &session, &verdict) == MTASTS_OK &&
           verdict.action == MTASTS_ACTION_DEFER &&
           mtasts_postfix_policy(outcome, &style, &found, buffer, sizeof buffer, NULL) ==
               MTASTS_OK &&
           found == MTASTS_POSTFIX_POLICY &&
           mtasts_tlsrpt_datagram(outcome, &session, record, NULL, buffer, sizeof buffer,
                                  &length) == MTASTS_E_TOO_LARGE &&
           length > sizeof buffer;
}

static int reads_well(void)
{
    mtasts_outcome_facts facts = {0};
    facts.size = sizeof facts;
    return mtasts_outcome_get(outcome, &facts) == MTASTS_OK && facts.basis == MTASTS_BASIS_FRESH &&
           strcmp(mtasts_outcome_domain(outcome).data, "example.com") == 0 &&
           mtasts_policy_matches(policy, "a.example.com") == 1 &&
           mtasts_policy_mx_count(mtasts_outcome_policy(outcome)) == 1 &&
           mtasts_tlsrpt_record_rua_count(record) == 1 && mtasts_report_json(report).len > 0 &&
           strcmp(mtasts_strerror(MTASTS_OK), mtasts_strerror(MTASTS_E_POLICY)) != 0;
}

static int has_its_own(void)
{
    mtasts_outcome *own = NULL;
    mtasts_lookup *again = NULL;
    int works =
        resolve(&own) == MTASTS_OK && mtasts_outcome_look_again(outcome, NULL, &again) == MTASTS_OK;
    mtasts_outcome_free(own);
    mtasts_lookup_free(again);
    return works;
}

static void *work(void *failed)
{
    int round;
    for (round = 0; round < ROUNDS; round++)
        if (!judges_well() || !reads_well() || !has_its_own())
            return failed;
    return NULL;
}

/* Also which of them is the first to call the library at all, or to ask for the report's JSON. */
static int run(void)
{
    pthread_t threads[THREADS];
    int number, failed = 0;
    void *result;
    for (number = 0; number < THREADS; number++)
        if (pthread_create(&threads[number], NULL, work, &failed) != 0)
            return 2;
    for (number = 0; number < THREADS; number++)
        if (pthread_join(threads[number], &result) != 0 || result)
            failed = 1;
    return failed;
}

static void *misuse(void *answer)
{
    mtasts_answer_ttl(answer, 1);
    return NULL;
}

/* What the header forbids: one answer for two threads. Helgrind must see it. */
static int run_wrongly(void)
{
    pthread_t thread;
    mtasts_answer *answer = NULL;
    if (mtasts_answer_new(&answer) != MTASTS_OK ||
        pthread_create(&thread, NULL, misuse, answer) != 0)
        return 2;
    misuse(answer);
    pthread_join(thread, NULL);
    mtasts_answer_free(answer);
    return 0;
}

int main(int argc, char *argv[])
{
    mtasts_outcome *shared = NULL;
    mtasts_policy *parsed = NULL;
    mtasts_report *read = NULL;
    mtasts_tlsrpt_record *selected = NULL;
    mtasts_bytes bytes;
    int failed;
    bytes.data = RECORD;
    bytes.len = sizeof RECORD - 1;
    if (argc > 1 && strcmp(argv[1], "wrong") == 0)
        return run_wrongly();
    if (resolve(&shared) != MTASTS_OK ||
        mtasts_policy_parse(BODY, sizeof BODY - 1, 0, &parsed, NULL) != MTASTS_OK ||
        mtasts_report_parse(JSON, sizeof JSON - 1, &read, NULL) != MTASTS_OK ||
        mtasts_tlsrpt_record_select(&bytes, 1, &selected, NULL) != MTASTS_OK)
        return 2;
    outcome = shared;
    policy = parsed;
    report = read;
    record = selected;
    failed = run();
    mtasts_outcome_free(shared);
    mtasts_policy_free(parsed);
    mtasts_report_free(read);
    mtasts_tlsrpt_record_free(selected);
    return failed;
}
