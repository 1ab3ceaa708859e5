/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The C ABI as a C program meets it: good use, then every misuse that the header speaks of. Run
 * under valgrind by tests.sh beside it.
 */
#include <mtasts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "abi.c:%d: not so: %s\n", __LINE__, #condition);                       \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

static const char POLICY[] =
    "version: STSv1\r\nmode: enforce\r\nmx: MX1.example.com.\r\nmx: *.example.net\r\n\r\n"
    "max_age: 86400\r\n";

/* A host whose network is three strings, and whose store is one. */
struct world {
    const char *record;
    const char *content_type;
    const char *body;
    const char *local;
    int32_t txt_failure, https_failure, load_failure;
    int status, queries, fetches, saves, lines;
    uint64_t now;
    char *stored;
};

static void world_txt(void *user, const char *name, mtasts_answer *into)
{
    struct world *world = user;
    world->queries++;
    CHECK(strcmp(name, "_mta-sts.example.com") == 0);
    if (world->txt_failure)
        mtasts_answer_fail(into, world->txt_failure);
    else
        mtasts_answer_txt_record(into, world->record, strlen(world->record));
    mtasts_answer_ttl(into, 0);
}

static void world_https(void *user, const mtasts_fetch *request, mtasts_answer *into)
{
    struct world *world = user;
    world->fetches++;
    CHECK(request->size == sizeof *request);
    CHECK(strcmp(request->host, "mta-sts.example.com") == 0);
    CHECK(strcmp(request->path, "/.well-known/mta-sts.txt") == 0);
    CHECK(request->timeout_ms == 60000 && request->max_body == 65536);
    if (world->https_failure) {
        mtasts_answer_fail(into, world->https_failure);
        return;
    }
    mtasts_answer_http_status(into, world->status);
    mtasts_answer_content_type(into, world->content_type, strlen(world->content_type));
    mtasts_answer_body(into, world->body, strlen(world->body));
}

static void world_load(void *user, const char *domain, mtasts_answer *into)
{
    struct world *world = user;
    CHECK(strcmp(domain, "example.com") == 0);
    if (world->local)
        mtasts_answer_local_policy(into, world->local, strlen(world->local), NULL);
    else if (world->load_failure)
        mtasts_answer_fail(into, world->load_failure);
    else if (world->stored)
        mtasts_answer_stored(into, world->stored, strlen(world->stored));
}

static void world_save(void *user, const mtasts_saved *entry)
{
    struct world *world = user;
    world->saves++;
    CHECK(entry->text_len == strlen(entry->text));
    free(world->stored);
    world->stored = malloc(entry->text_len + 1);
    if (world->stored)
        memcpy(world->stored, entry->text, entry->text_len + 1);
}

static uint64_t world_now(void *user)
{
    return ((struct world *)user)->now;
}

static void world_log(void *user, int32_t level, const char *message)
{
    CHECK(level == MTASTS_LOG_WARNING && *message);
    ((struct world *)user)->lines++;
}

static struct world good_world(void)
{
    struct world world = {0};
    world.record = "v=STSv1; id=one;";
    world.content_type = "text/plain";
    world.body = POLICY;
    world.status = 200;
    world.now = 1767225600;
    return world;
}

static mtasts_host host_of(struct world *world)
{
    mtasts_host host = {0};
    host.size = sizeof host;
    host.user = world;
    host.txt = world_txt;
    host.https = world_https;
    host.load = world_load;
    host.save = world_save;
    host.now = world_now;
    host.log = world_log;
    return host;
}

static mtasts_verdict judge(const mtasts_outcome *outcome, const char *mx, int32_t tls,
                            int32_t certificate)
{
    mtasts_session session = {0};
    mtasts_verdict verdict = {0};
    session.size = sizeof session;
    session.mx_host = mx;
    session.tls = tls;
    session.certificate = certificate;
    verdict.size = sizeof verdict;
    CHECK(mtasts_outcome_verdict(outcome, &session, &verdict) == MTASTS_OK);
    return verdict;
}

static mtasts_outcome_facts facts_of(const mtasts_outcome *outcome)
{
    mtasts_outcome_facts facts = {0};
    facts.size = sizeof facts;
    CHECK(mtasts_outcome_get(outcome, &facts) == MTASTS_OK);
    return facts;
}

/* R-FLOW-1: fetched, then cached, then cached whatever the network says. */
static void resolve_uses_the_cache(void)
{
    struct world world = good_world();
    mtasts_host host = host_of(&world);
    mtasts_outcome *outcome = NULL;
    CHECK(mtasts_resolve("Example.COM.", NULL, &host, &outcome) == MTASTS_OK);
    CHECK(facts_of(outcome).basis == MTASTS_BASIS_FRESH && world.saves == 1);
    CHECK(strcmp(mtasts_outcome_domain(outcome).data, "example.com") == 0);
    CHECK(strcmp(mtasts_outcome_id(outcome).data, "one") == 0);
    CHECK(mtasts_outcome_explanation(outcome).len == 0);
    mtasts_outcome_free(outcome);

    world.now += 60;
    world.record = "v=STSv1; id=two;";
    world.https_failure = MTASTS_FETCH_WEBPKI;
    CHECK(mtasts_resolve("example.com", NULL, &host, &outcome) == MTASTS_OK);
    CHECK(facts_of(outcome).basis == MTASTS_BASIS_CACHED);
    CHECK(facts_of(outcome).reason == MTASTS_REASON_WEBPKI);
    CHECK(facts_of(outcome).result == MTASTS_RESULT_STS_WEBPKI_INVALID);
    CHECK(facts_of(outcome).expires_at == 1767225600 + 86400);
    CHECK(world.fetches == 2 && world.saves == 2 && world.lines == 1);
    CHECK(judge(outcome, "mx1.example.com", MTASTS_TLS_NOT_OFFERED, 0).action ==
          MTASTS_ACTION_DEFER);
    mtasts_outcome_free(outcome);

    world.txt_failure = MTASTS_TXT_TEMPORARY;
    CHECK(mtasts_resolve("example.com", NULL, &host, &outcome) == MTASTS_OK);
    CHECK(facts_of(outcome).basis == MTASTS_BASIS_CACHED && world.fetches == 2);
    mtasts_outcome_free(outcome);
    free(world.stored);
}

/* R-FLOW-6: a new policy is looked for before the message is given up. */
static void looking_again_finds_the_new_policy(void)
{
    struct world world = good_world();
    mtasts_host host = host_of(&world);
    mtasts_outcome *outcome = NULL, *newer = NULL;
    mtasts_lookup *lookup = NULL;
    CHECK(mtasts_resolve("example.com", NULL, &host, &outcome) == MTASTS_OK);
    CHECK(mtasts_resolve_again(outcome, NULL, &host, &newer) == MTASTS_OK);
    CHECK(facts_of(newer).basis == MTASTS_BASIS_CACHED && world.queries == 2 && world.fetches == 1);
    mtasts_outcome_free(newer);
    world.record = "v=STSv1; id=two;";
    world.body = "version: STSv1\nmode: none\nmax_age: 60\n";
    CHECK(mtasts_outcome_look_again(outcome, NULL, &lookup) == MTASTS_OK);
    CHECK(mtasts_lookup_run(lookup, &host, &newer) == MTASTS_OK);
    CHECK(mtasts_policy_mode(mtasts_outcome_policy(newer)) == MTASTS_MODE_NONE);
    CHECK(judge(newer, "evil.example", MTASTS_TLS_NOT_OFFERED, 0).action == MTASTS_ACTION_DELIVER);
    mtasts_lookup_free(lookup);
    mtasts_outcome_free(outcome);
    mtasts_outcome_free(newer);
    free(world.stored);
}

/* A store that fails is not an empty store. */
static void a_failing_store_makes_mail_wait(void)
{
    struct world world = good_world();
    mtasts_host host = host_of(&world);
    mtasts_outcome *outcome = NULL;
    world.load_failure = MTASTS_STORE_FAILED;
    world.txt_failure = MTASTS_TXT_NO_RECORDS;
    CHECK(mtasts_resolve("example.com", NULL, &host, &outcome) == MTASTS_OK);
    CHECK(facts_of(outcome).try_later == 1);
    CHECK(world.saves == 0); /* what could not be read is not overwritten */
    CHECK(judge(outcome, "mx.example.com", MTASTS_TLS_NOT_TRIED, 0).action == MTASTS_ACTION_DEFER);
    mtasts_outcome_free(outcome);

    world.load_failure = 0;
    world.stored = malloc(8);
    if (world.stored)
        strcpy(world.stored, "garbage");
    CHECK(mtasts_resolve("example.com", NULL, &host, &outcome) == MTASTS_OK);
    CHECK(facts_of(outcome).reason == MTASTS_REASON_STORE_FAILED);
    mtasts_outcome_free(outcome);
    free(world.stored);
}

/* R-APPLY-3: the operator's own policy comes before everything. */
static void local_policies_override_discovery(void)
{
    struct world world = good_world();
    mtasts_host host = host_of(&world);
    mtasts_outcome *outcome = NULL, *again = NULL;
    world.local = "version: STSv1\nmode: none\nmax_age: 60\n";
    CHECK(mtasts_resolve("example.com", NULL, &host, &outcome) == MTASTS_OK);
    CHECK(facts_of(outcome).basis == MTASTS_BASIS_LOCAL && facts_of(outcome).changed == 0);
    CHECK(world.queries == 0 && world.saves == 0 && !mtasts_outcome_id(outcome).data);
    CHECK(mtasts_policy_mode(mtasts_outcome_policy(outcome)) == MTASTS_MODE_NONE);
    CHECK(judge(outcome, "a.example", MTASTS_TLS_NOT_OFFERED, 0).action == MTASTS_ACTION_DELIVER);
    CHECK(mtasts_resolve_again(outcome, NULL, &host, &again) == MTASTS_OK);
    CHECK(facts_of(again).basis == MTASTS_BASIS_LOCAL && world.queries == 0);
    mtasts_outcome_free(outcome);
    mtasts_outcome_free(again);

    world.local = "version: STSv1\nmode: nothing\nmax_age: 60\n"; /* what was meant? */
    world.txt_failure = MTASTS_TXT_NO_RECORDS;
    CHECK(mtasts_resolve("example.com", NULL, &host, &outcome) == MTASTS_OK);
    CHECK(facts_of(outcome).try_later == 1);
    mtasts_outcome_free(outcome);
}

static void verdicts_follow_the_session(void)
{
    static const struct {
        const char *mx;
        int32_t tls, certificate, action, result, cause;
    } cases[] = {
        {"mx1.example.com", 0, 0, MTASTS_ACTION_DELIVER, 0, 0},
        {"A.example.net.", 3, 1, MTASTS_ACTION_DELIVER, 0, 0},
        {"mx2.example.com", 0, 0, MTASTS_ACTION_DEFER, MTASTS_RESULT_VALIDATION_FAILURE,
         MTASTS_CAUSE_MX_NOT_LISTED},
        {"mx1.example.com", 1, 0, MTASTS_ACTION_DEFER, MTASTS_RESULT_STARTTLS_NOT_SUPPORTED,
         MTASTS_CAUSE_STARTTLS_NOT_SUPPORTED},
        {"mx1.example.com", 2, 0, MTASTS_ACTION_DEFER, MTASTS_RESULT_VALIDATION_FAILURE,
         MTASTS_CAUSE_TLS_FAILED},
        {"mx1.example.com", 3, 0, MTASTS_ACTION_DEFER, MTASTS_RESULT_VALIDATION_FAILURE,
         MTASTS_CAUSE_CERTIFICATE_INVALID},
        {"mx1.example.com", 3, 3, MTASTS_ACTION_DEFER, MTASTS_RESULT_CERTIFICATE_HOST_MISMATCH,
         MTASTS_CAUSE_CERTIFICATE_HOST_MISMATCH},
        {"\xff\xfe", 0, 0, MTASTS_ACTION_DEFER, MTASTS_RESULT_VALIDATION_FAILURE,
         MTASTS_CAUSE_MX_NOT_LISTED},
    };
    struct world world = good_world();
    mtasts_host host = host_of(&world);
    mtasts_outcome *outcome = NULL;
    size_t i;
    CHECK(mtasts_resolve("example.com", NULL, &host, &outcome) == MTASTS_OK);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        mtasts_verdict verdict = judge(outcome, cases[i].mx, cases[i].tls, cases[i].certificate);
        CHECK(verdict.action == cases[i].action);
        CHECK(verdict.result == cases[i].result);
        CHECK(verdict.cause == cases[i].cause);
    }
    mtasts_outcome_free(outcome);
    free(world.stored);
}

/* The engine polled by an event loop, with answers that are late, foreign and missing. */
static void polling_takes_only_the_answer_it_asked_for(void)
{
    mtasts_lookup *lookup = NULL;
    mtasts_outcome *outcome = NULL;
    mtasts_answer *answer = NULL, *empty = NULL;
    mtasts_step step = {0};
    uint32_t txt_id;
    step.size = sizeof step;
    CHECK(mtasts_answer_new(&empty) == MTASTS_OK && mtasts_answer_new(&answer) == MTASTS_OK);
    CHECK(mtasts_lookup_new("example.com", NULL, &lookup) == MTASTS_OK);
    CHECK(mtasts_lookup_outcome(lookup, &outcome) == MTASTS_E_UNFINISHED && !outcome);
    CHECK(mtasts_lookup_poll(lookup, &step) == MTASTS_OK && step.kind == MTASTS_STEP_LOAD);
    CHECK(strcmp(step.name, "example.com") == 0);
    CHECK(mtasts_lookup_submit(lookup, step.request_id + 1, empty, 1000) == MTASTS_E_STALE_REQUEST);
    CHECK(mtasts_lookup_submit(lookup, step.request_id, NULL, 1000) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_lookup_submit(lookup, step.request_id, empty, 1000) == MTASTS_OK);
    CHECK(mtasts_lookup_poll(lookup, &step) == MTASTS_OK && step.kind == MTASTS_STEP_QUERY_TXT);
    CHECK(strcmp(step.name, "_mta-sts.example.com") == 0 && !step.path);
    txt_id = step.request_id;
    CHECK(mtasts_answer_txt_rdata(answer, "\x09v=STSv1; \x04id=a", 15) == MTASTS_OK);
    CHECK(mtasts_lookup_submit(lookup, txt_id, answer, 1000) == MTASTS_OK);
    CHECK(mtasts_lookup_submit(lookup, txt_id, answer, 1000) == MTASTS_E_STALE_REQUEST);
    CHECK(mtasts_lookup_poll(lookup, &step) == MTASTS_OK && step.kind == MTASTS_STEP_FETCH);
    CHECK(strcmp(step.name, "mta-sts.example.com") == 0);
    CHECK(mtasts_answer_http_status(answer, 99) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_answer_http_status(answer, 200) == MTASTS_OK);
    CHECK(mtasts_answer_content_type(answer, "text/plain", 10) == MTASTS_OK);
    CHECK(mtasts_answer_body(answer, POLICY, sizeof POLICY - 1) == MTASTS_OK);
    CHECK(mtasts_lookup_submit(lookup, step.request_id, answer, 1000) == MTASTS_OK);
    CHECK(mtasts_lookup_submit(lookup, step.request_id, answer, 1000) == MTASTS_E_FINISHED);
    CHECK(mtasts_lookup_poll(lookup, &step) == MTASTS_OK && step.kind == MTASTS_STEP_DONE);
    CHECK(mtasts_lookup_outcome(lookup, &outcome) == MTASTS_OK);
    CHECK(facts_of(outcome).changed == 1 && facts_of(outcome).fetched_at == 1000);
    CHECK(strstr(mtasts_outcome_stored(outcome).data, "mode: enforce") != NULL);
    mtasts_lookup_free(lookup);
    CHECK(strcmp(mtasts_policy_mx(mtasts_outcome_policy(outcome), 0).data, "mx1.example.com") == 0);
    mtasts_outcome_free(outcome);
    mtasts_answer_free(answer);
    mtasts_answer_free(empty);
}

static void an_empty_answer_is_no_absence(void)
{
    mtasts_lookup *lookup = NULL;
    mtasts_outcome *outcome = NULL;
    mtasts_answer *empty = NULL;
    mtasts_step step = {0};
    step.size = sizeof step;
    CHECK(mtasts_answer_new(&empty) == MTASTS_OK);
    CHECK(mtasts_lookup_new("example.com", NULL, &lookup) == MTASTS_OK);
    CHECK(mtasts_lookup_submit(lookup, 0, empty, 1) == MTASTS_OK);
    CHECK(mtasts_lookup_poll(lookup, &step) == MTASTS_OK);
    CHECK(mtasts_lookup_submit(lookup, step.request_id, empty, 1) == MTASTS_OK);
    CHECK(mtasts_lookup_outcome(lookup, &outcome) == MTASTS_OK);
    CHECK(facts_of(outcome).reason == MTASTS_REASON_DNS_TEMPORARY);
    CHECK(mtasts_outcome_policy(outcome) == NULL && mtasts_outcome_id(outcome).data == NULL);
    mtasts_outcome_free(outcome);
    mtasts_lookup_free(lookup);
    mtasts_answer_free(empty);
}

static void too_much_data_is_refused(void)
{
    static char octets[65537];
    mtasts_answer *answer = NULL;
    CHECK(mtasts_answer_new(&answer) == MTASTS_OK);
    CHECK(mtasts_answer_body(answer, octets, 65536) == MTASTS_OK);
    CHECK(mtasts_answer_body(answer, octets, 1) == MTASTS_E_TOO_LARGE);
    CHECK(mtasts_answer_txt_record(answer, octets, 65536) == MTASTS_E_TOO_LARGE);
    CHECK(mtasts_answer_txt_rdata(answer,
                                  "\x05"
                                  "ab",
                                  3) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_answer_fail(answer, 0) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_answer_fail(answer, 12) == MTASTS_E_ARGUMENT);
    mtasts_answer_free(answer);
}

static void policies_tell_what_is_wrong_and_where(void)
{
    static const char bad[] = "version: STSv1\nmode: enforced\nmx: a.example\nmax_age: 1\n";
    mtasts_policy *policy = NULL;
    mtasts_problem problem = {0};
    problem.size = sizeof problem;
    CHECK(mtasts_policy_parse(bad, sizeof bad - 1, 0, &policy, &problem) == MTASTS_E_POLICY);
    CHECK(!policy && problem.line == 2 && problem.column == 7 && problem.offset == 21);
    CHECK(strstr(problem.message, "mode") != NULL && strcmp(problem.kind, "mode") == 0);
    CHECK(mtasts_policy_parse(POLICY, sizeof POLICY - 1, 0, &policy, NULL) == MTASTS_OK);
    CHECK(mtasts_policy_warning_count(policy) == 2);
    CHECK(mtasts_policy_warning(policy, 0, &problem) == MTASTS_OK && problem.line == 3);
    CHECK(strcmp(problem.kind, "mx-trailing-dot") == 0);
    problem.size = offsetof(mtasts_problem, kind); /* as the first version had it */
    problem.kind[0] = '!';
    CHECK(mtasts_policy_warning(policy, 1, &problem) == MTASTS_OK && problem.line == 5);
    CHECK(problem.kind[0] == '!');
    problem.size = sizeof problem;
    CHECK(mtasts_policy_warning(policy, 2, &problem) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_policy_mx_count(policy) == 2 && mtasts_policy_mx(policy, 2).data == NULL);
    CHECK(mtasts_policy_max_age(policy) == 86400);
    CHECK(strcmp(mtasts_policy_text(policy).data, POLICY) == 0);
    CHECK(mtasts_policy_matches(policy, "mx1.example.com") == 1);
    CHECK(mtasts_policy_matches(policy, "*.example.net") == 0);
    mtasts_policy_free(policy);
    CHECK(mtasts_policy_parse(POLICY, sizeof POLICY - 1, MTASTS_PARSE_STRICT, &policy, &problem) ==
          MTASTS_E_POLICY);
    CHECK(mtasts_policy_parse(POLICY, sizeof POLICY - 1, 2, &policy, &problem) ==
          MTASTS_E_ARGUMENT);
}

static void domains_are_checked(void)
{
    mtasts_lookup *lookup = NULL;
    CHECK(mtasts_lookup_new("[192.0.2.1]", NULL, &lookup) == MTASTS_E_ADDRESS_LITERAL);
    CHECK(mtasts_lookup_new("192.0.2.1", NULL, &lookup) == MTASTS_E_DOMAIN);
    CHECK(mtasts_lookup_new("m\xc3\xbcnchen.example", NULL, &lookup) == MTASTS_E_DOMAIN);
    CHECK(mtasts_lookup_new("\xff", NULL, &lookup) == MTASTS_E_DOMAIN);
    CHECK(mtasts_lookup_new("", NULL, &lookup) == MTASTS_E_DOMAIN && !lookup);
}

static void null_is_refused_everywhere(void)
{
    mtasts_outcome *outcome = NULL;
    mtasts_lookup *lookup = NULL;
    mtasts_verdict verdict = {0};
    mtasts_host host = {0};
    char id[MTASTS_ID_SIZE];
    verdict.size = sizeof verdict;
    verdict.action = MTASTS_ACTION_DELIVER;
    CHECK(mtasts_outcome_verdict(NULL, NULL, &verdict) == MTASTS_E_ARGUMENT);
    CHECK(verdict.action == MTASTS_ACTION_DEFER);
    CHECK(mtasts_lookup_new(NULL, NULL, &lookup) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_lookup_new("example.com", NULL, NULL) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_lookup_poll(NULL, NULL) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_lookup_submit(NULL, 0, NULL, 0) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_lookup_run(NULL, NULL, &outcome) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_lookup_outcome(NULL, &outcome) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_resolve("example.com", NULL, NULL, &outcome) == MTASTS_E_ARGUMENT);
    host.size = sizeof host; /* no callbacks */
    CHECK(mtasts_resolve("example.com", NULL, &host, &outcome) == MTASTS_E_ARGUMENT);
    host.size = sizeof(size_t);
    CHECK(mtasts_resolve("example.com", NULL, &host, &outcome) == MTASTS_E_SIZE && !outcome);
    CHECK(mtasts_outcome_get(NULL, NULL) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_outcome_policy(NULL) == NULL && mtasts_outcome_stored(NULL).data == NULL);
    CHECK(mtasts_policy_parse(NULL, 1, 0, NULL, NULL) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_policy_matches(NULL, NULL) == 0 && mtasts_policy_mode(NULL) == 0);
    CHECK(mtasts_record_select(NULL, 0, id, NULL) == MTASTS_E_RECORD);
    CHECK(mtasts_record_select(NULL, 1, id, NULL) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_certificate_check_name(NULL, 0, "a.example") == MTASTS_E_ARGUMENT);
    CHECK(mtasts_certificate_check_name("x", 1, "a.example") == MTASTS_E_CERTIFICATE);
    mtasts_policy_free(NULL);
    mtasts_lookup_free(NULL);
    mtasts_outcome_free(NULL);
    mtasts_answer_free(NULL);
    mtasts_tlsrpt_record_free(NULL);
}

/* A caller from the future has a longer struct, of which the library leaves the end alone. */
static void longer_structs_keep_their_ends(void)
{
    struct {
        mtasts_outcome_facts facts;
        unsigned char end[16];
    } future;
    struct world world = good_world();
    mtasts_host host = host_of(&world);
    mtasts_outcome *outcome = NULL;
    CHECK(mtasts_resolve("example.com", NULL, &host, &outcome) == MTASTS_OK);
    memset(&future, 0x5a, sizeof future);
    future.facts.size = sizeof future;
    CHECK(mtasts_outcome_get(outcome, &future.facts) == MTASTS_OK);
    CHECK(future.facts.size == sizeof future && future.end[0] == 0x5a);
    CHECK(future.facts.basis == MTASTS_BASIS_FRESH && future.facts.fetched_at == world.now);
    mtasts_outcome_free(outcome);
    free(world.stored);
}

/* An option that the library does not know is not ignored. */
static void unknown_options_are_refused(void)
{
    struct {
        mtasts_config config;
        unsigned char end[16];
    } future;
    mtasts_lookup *lookup = NULL;
    memset(&future, 0, sizeof future);
    future.config.size = sizeof future;
    CHECK(mtasts_lookup_new("example.com", &future.config, &lookup) == MTASTS_OK);
    mtasts_lookup_free(lookup);
    future.end[7] = 1;
    CHECK(mtasts_lookup_new("example.com", &future.config, &lookup) == MTASTS_E_SIZE);
}

/* Settings that are 0 are the defaults: a forgotten one protects as well as any. */
static void zero_settings_are_the_defaults(void)
{
    struct world world = good_world(); /* which checks the limits of the fetch */
    mtasts_host host = host_of(&world);
    mtasts_config config = {0};
    mtasts_outcome *outcome = NULL;
    CHECK(mtasts_resolve("example.com", &config, &host, &outcome) == MTASTS_E_SIZE);
    config.size = sizeof config;
    CHECK(mtasts_resolve("example.com", &config, &host, &outcome) == MTASTS_OK);
    CHECK(judge(outcome, "a.example", 0, 0).action == MTASTS_ACTION_DEFER);
    mtasts_outcome_free(outcome);
    config.divert_percent = 100;
    CHECK(mtasts_resolve("example.com", &config, &host, &outcome) == MTASTS_OK);
    CHECK(judge(outcome, "a.example", 0, 0).action == MTASTS_ACTION_DIVERT);
    mtasts_outcome_free(outcome);
    config.divert_percent = 101;
    CHECK(mtasts_resolve("example.com", &config, &host, &outcome) == MTASTS_E_ARGUMENT);
    config.divert_percent = 0;
    config.min_ttl = 86401;
    CHECK(mtasts_resolve("example.com", &config, &host, &outcome) == MTASTS_E_ARGUMENT);
    free(world.stored);
}

static void records_are_read(void)
{
    mtasts_bytes two[2] = {{"v=spf1 -all", 11}, {"v=STSv1; id=20260101", 20}};
    mtasts_bytes rpt = {"v=TLSRPTv1; rua=mailto:a@b.example, https://c.example/", 54};
    mtasts_tlsrpt_record *record = NULL;
    mtasts_problem problem = {0};
    char id[MTASTS_ID_SIZE];
    problem.size = sizeof problem;
    CHECK(mtasts_record_select(two, 2, id, NULL) == MTASTS_OK && strcmp(id, "20260101") == 0);
    two[1].len = 9;
    CHECK(mtasts_record_select(&two[1], 1, id, &problem) == MTASTS_E_RECORD && problem.message[0]);
    CHECK(mtasts_tlsrpt_record_select(&rpt, 1, &record, &problem) == MTASTS_OK);
    CHECK(mtasts_tlsrpt_record_rua_count(record) == 2);
    CHECK(strcmp(mtasts_tlsrpt_record_rua(record, 1).data, "https://c.example/") == 0);
    mtasts_tlsrpt_record_free(record);
}

static mtasts_tlsrpt_record *tlsrpt_record(void)
{
    mtasts_bytes text = {"v=TLSRPTv1; rua=mailto:a@b.example", 34};
    mtasts_tlsrpt_record *record = NULL;
    CHECK(mtasts_tlsrpt_record_select(&text, 1, &record, NULL) == MTASTS_OK);
    return record;
}

/* What a datagram says is tested elsewhere; here that it comes out whole. */
static void sessions_are_told_in_datagrams(void)
{
    static const char END[] =
        "\"failure-details\":[{\"c\":204,\"s\": \"192.0.2.1\",\"n\": \"a.example.net\",\"h\": "
        "\"\\\"\xef\xbf\xbd\",\"r\": \"2001:db8::2\",\"a\": \"https://a.example/\",\"f\": "
        "\"late\"}],"
        "\"t\":1,\"f\":1}]}";
    struct world world = good_world();
    mtasts_host host = host_of(&world);
    mtasts_outcome *outcome = NULL;
    mtasts_tlsrpt_record *record = tlsrpt_record();
    mtasts_tlsrpt_details details = {0};
    mtasts_session session = {0};
    char buffer[MTASTS_TLSRPT_DATAGRAM_SIZE];
    size_t length = 99;
    CHECK(mtasts_resolve("example.com", NULL, &host, &outcome) == MTASTS_OK);
    session.size = sizeof session;
    session.mx_host = "a.example.net";
    CHECK(mtasts_tlsrpt_datagram(outcome, &session, record, NULL, buffer, sizeof buffer, &length) ==
          MTASTS_OK);
    CHECK(length == 0); /* no session */
    session.tls = MTASTS_TLS_ESTABLISHED;
    session.certificate = MTASTS_CERTIFICATE_EXPIRED;
    details.size = sizeof details;
    details.sending_mta_ip = "192.0.2.1";
    details.receiving_ip = "2001:db8::2";
    details.receiving_mx_helo = "\"\xff";
    details.failure_reason_code = "late";
    details.additional_information = "https://a.example/";
    CHECK(mtasts_tlsrpt_datagram(outcome, &session, record, &details, buffer, 9, &length) ==
          MTASTS_E_TOO_LARGE);
    CHECK(mtasts_tlsrpt_datagram(outcome, &session, record, &details, buffer, length, &length) ==
          MTASTS_OK);
    CHECK(length > sizeof END &&
          memcmp(buffer + length - (sizeof END - 1), END, sizeof END - 1) == 0);
    details.receiving_ip = "a.example.net";
    CHECK(mtasts_tlsrpt_datagram(outcome, &session, record, &details, buffer, 9, &length) ==
          MTASTS_E_ARGUMENT);
    CHECK(length == 0);
    CHECK(mtasts_tlsrpt_datagram(outcome, &session, NULL, NULL, buffer, 9, &length) ==
          MTASTS_E_ARGUMENT);
    CHECK(mtasts_tlsrpt_datagram(outcome, NULL, record, NULL, buffer, 9, &length) ==
          MTASTS_E_ARGUMENT);
    CHECK(mtasts_tlsrpt_datagram(outcome, &session, record, NULL, buffer, 9, NULL) ==
          MTASTS_E_ARGUMENT);
    CHECK(mtasts_tlsrpt_datagram(outcome, &session, record, NULL, NULL, 9, &length) ==
          MTASTS_E_ARGUMENT);
    CHECK(mtasts_tlsrpt_datagram(NULL, &session, record, NULL, buffer, 9, &length) ==
          MTASTS_E_ARGUMENT);
    details.size = 1;
    CHECK(mtasts_tlsrpt_datagram(outcome, &session, record, &details, buffer, 9, &length) ==
          MTASTS_E_SIZE);
    mtasts_tlsrpt_record_free(record);
    mtasts_outcome_free(outcome);
    free(world.stored);
}

static const char *postfix_value(const mtasts_outcome *outcome, int32_t dane, int32_t version,
                                 int32_t *found)
{
    static char buffer[1000];
    mtasts_postfix_style style = {0};
    size_t length = 99;
    style.size = sizeof style;
    style.dane = dane;
    style.version = version;
    CHECK(mtasts_postfix_policy(outcome, &style, found, buffer, sizeof buffer, &length) ==
          MTASTS_OK);
    CHECK(length == strlen(buffer));
    return buffer;
}

static void postfix_is_told_what_applies(void)
{
    struct world world = good_world();
    mtasts_host host = host_of(&world);
    mtasts_outcome *outcome = NULL;
    int32_t found = 99;
    CHECK(mtasts_resolve("example.com", NULL, &host, &outcome) == MTASTS_OK);
    CHECK(strcmp(postfix_value(outcome, MTASTS_DOMAIN_DANE_NONE, MTASTS_POSTFIX_3_4, &found),
                 "secure match=mx1.example.com:.example.net servername=hostname") == 0);
    CHECK(found == MTASTS_POSTFIX_POLICY);
    CHECK(strcmp(postfix_value(outcome, MTASTS_DOMAIN_DANE_USABLE, 0, &found), "dane-only") == 0);
    CHECK(!*postfix_value(outcome, 0, 0, &found) && found == MTASTS_POSTFIX_TEMPORARY);
    mtasts_outcome_free(outcome);

    world.txt_failure = MTASTS_TXT_NO_RECORDS;
    free(world.stored);
    world.stored = NULL;
    CHECK(mtasts_resolve("example.com", NULL, &host, &outcome) == MTASTS_OK);
    CHECK(!*postfix_value(outcome, MTASTS_DOMAIN_DANE_NONE, 0, &found));
    CHECK(found == MTASTS_POSTFIX_NOT_FOUND);
    mtasts_outcome_free(outcome);
    free(world.stored);
}

/* Nothing that is wrong is read as "not found". */
static void postfix_waits_where_the_question_is_wrong(void)
{
    struct world world = good_world();
    mtasts_host host = host_of(&world);
    mtasts_postfix_style style = {0};
    mtasts_outcome *outcome = NULL;
    char buffer[62] = "before";
    size_t length = 99;
    int32_t found = 99;
    CHECK(mtasts_resolve("example.com", NULL, &host, &outcome) == MTASTS_OK);
    CHECK(mtasts_postfix_policy(outcome, &style, &found, buffer, 62, NULL) == MTASTS_E_SIZE);
    CHECK(found == MTASTS_POSTFIX_TEMPORARY && !*buffer);
    style.size = sizeof style;
    style.version = MTASTS_POSTFIX_3_4;
    for (style.dane = -1; style.dane < 5; style.dane += 4)
        CHECK(mtasts_postfix_policy(outcome, &style, &found, buffer, 62, NULL) ==
              MTASTS_E_ARGUMENT);
    style.dane = MTASTS_DOMAIN_DANE_NONE;
    CHECK(mtasts_postfix_policy(outcome, &style, &found, buffer, 61, &length) ==
          MTASTS_E_TOO_LARGE);
    CHECK(found == MTASTS_POSTFIX_TEMPORARY && !*buffer && length == 61);
    CHECK(mtasts_postfix_policy(outcome, &style, &found, buffer, 62, &length) == MTASTS_OK);
    CHECK(found == MTASTS_POSTFIX_POLICY && strlen(buffer) == 61);
    CHECK(mtasts_postfix_policy(outcome, &style, NULL, buffer, 62, NULL) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_postfix_policy(outcome, &style, &found, NULL, 62, NULL) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_postfix_policy(NULL, &style, &found, buffer, 62, NULL) == MTASTS_E_ARGUMENT);
    CHECK(found == MTASTS_POSTFIX_TEMPORARY && !*buffer);
    style.level = 3;
    CHECK(mtasts_postfix_policy(outcome, &style, &found, buffer, 62, NULL) == MTASTS_E_ARGUMENT);
    style.level = 0;
    style.version = 3;
    CHECK(mtasts_postfix_policy(outcome, &style, &found, buffer, 62, NULL) == MTASTS_E_ARGUMENT);
    mtasts_outcome_free(outcome);
    free(world.stored);
}

static void keys_of_postfix_name_domains(void)
{
    char domain[12] = "before";
    CHECK(mtasts_postfix_next_hop("[Example.com.]:25", domain, 12) == MTASTS_OK);
    CHECK(strcmp(domain, "Example.com") == 0);
    CHECK(mtasts_postfix_next_hop("example.com", domain, 11) == MTASTS_E_TOO_LARGE && !*domain);
    CHECK(mtasts_postfix_next_hop(".example.com", domain, 12) == MTASTS_E_ADDRESS_LITERAL);
    CHECK(mtasts_postfix_next_hop("[192.0.2.1]:25", domain, 12) == MTASTS_E_ADDRESS_LITERAL);
    CHECK(mtasts_postfix_next_hop("\xff", domain, 12) == MTASTS_E_DOMAIN);
    CHECK(mtasts_postfix_next_hop(NULL, domain, 12) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_postfix_next_hop("a", NULL, 12) == MTASTS_E_ARGUMENT);
}

static void numbers_have_names(void)
{
    CHECK(strcmp(mtasts_result_name(MTASTS_RESULT_STS_WEBPKI_INVALID), "sts-webpki-invalid") == 0);
    CHECK(strcmp(mtasts_cause_name(MTASTS_CAUSE_MX_NOT_LISTED), "mx-not-listed") == 0);
    CHECK(strcmp(mtasts_reason_name(MTASTS_REASON_STATUS), "status") == 0);
    CHECK(strcmp(mtasts_action_name(-1), "unknown") == 0);
    CHECK(strcmp(mtasts_strerror(-5), "unknown status") == 0);
    CHECK(strcmp(mtasts_strerror(MTASTS_OK), "success") == 0);
    CHECK(strcmp(mtasts_strerror(105), "DNS has no such records") == 0);
    CHECK(strcmp(mtasts_strerror(108), "unknown status") == 0);
    CHECK(strcmp(mtasts_result_name(MTASTS_RESULT_NONE), "none") == 0);
    CHECK(strcmp(mtasts_certificate_name(MTASTS_CERTIFICATE_EXPIRED), "expired") == 0);
    CHECK(mtasts_version_check(MTASTS_VERSION_MAJOR, MTASTS_VERSION_MINOR, MTASTS_VERSION_PATCH) ==
          MTASTS_OK);
    CHECK(mtasts_version_check(MTASTS_VERSION_MAJOR, MTASTS_VERSION_MINOR + 1, 0) ==
          MTASTS_E_VERSION);
    CHECK(mtasts_abi_version() == MTASTS_ABI_VERSION && MTASTS_PREREQ(0, 1));
}

int main(void)
{
    resolve_uses_the_cache();
    looking_again_finds_the_new_policy();
    a_failing_store_makes_mail_wait();
    local_policies_override_discovery();
    verdicts_follow_the_session();
    polling_takes_only_the_answer_it_asked_for();
    an_empty_answer_is_no_absence();
    too_much_data_is_refused();
    policies_tell_what_is_wrong_and_where();
    domains_are_checked();
    null_is_refused_everywhere();
    longer_structs_keep_their_ends();
    unknown_options_are_refused();
    zero_settings_are_the_defaults();
    records_are_read();
    sessions_are_told_in_datagrams();
    postfix_is_told_what_applies();
    postfix_waits_where_the_question_is_wrong();
    keys_of_postfix_name_domains();
    numbers_have_names();
    if (failures == 0)
        printf("abi.c: 20 passed, 0 failed\n");
    return failures != 0;
}
