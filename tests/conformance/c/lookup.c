/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Requests about a lookup and its outcome, which stay from one to the next. */

#include "surface.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the requests work on: the lookup under way and the outcome of the last that is done. */
static mtasts_lookup *lookup;
static mtasts_outcome *outcome;
static mtasts_config config;

static const named FAILURES[] = {{"no-records", MTASTS_TXT_NO_RECORDS},
                                 {"permanent", MTASTS_TXT_PERMANENT},
                                 {"temporary", MTASTS_TXT_TEMPORARY},
                                 {"body-too-large", MTASTS_FETCH_BODY_TOO_LARGE},
                                 {"connect", MTASTS_FETCH_CONNECT},
                                 {"dns", MTASTS_FETCH_DNS},
                                 {"other", MTASTS_FETCH_OTHER},
                                 {"timeout", MTASTS_FETCH_TIMEOUT},
                                 {"local", MTASTS_LOCAL_FAILURE},
                                 {"webpki", MTASTS_FETCH_WEBPKI},
                                 {NULL, 0}};
static const named TLS[] = {{"not-tried", MTASTS_TLS_NOT_TRIED},
                            {"not-offered", MTASTS_TLS_NOT_OFFERED},
                            {"failed", MTASTS_TLS_FAILED},
                            {"established", MTASTS_TLS_ESTABLISHED},
                            {NULL, 0}};
static const named CERTIFICATES[] = {{"valid", MTASTS_CERTIFICATE_VALID},
                                     {"expired", MTASTS_CERTIFICATE_EXPIRED},
                                     {"host-mismatch", MTASTS_CERTIFICATE_HOST_MISMATCH},
                                     {"invalid", MTASTS_CERTIFICATE_INVALID},
                                     {"not-trusted", MTASTS_CERTIFICATE_NOT_TRUSTED},
                                     {NULL, 0}};
static const named DANE[] = {{"not-used", MTASTS_DANE_NOT_USED},
                             {"lookup-failed", MTASTS_DANE_LOOKUP_FAILED},
                             {"unusable", MTASTS_DANE_UNUSABLE},
                             {"usable", MTASTS_DANE_USABLE},
                             {"passed", MTASTS_DANE_PASSED},
                             {"failed", MTASTS_DANE_FAILED},
                             {NULL, 0}};
static const named REFUSALS[] = {{"host-name", MTASTS_E_DOMAIN},
                                 {"address-literal", MTASTS_E_ADDRESS_LITERAL},
                                 {"stale-request", MTASTS_E_STALE_REQUEST},
                                 {"finished", MTASTS_E_FINISHED},
                                 {NULL, 0}};

/* `ok`, or `refused` and why. */
static void put_status(int32_t status)
{
    if (status == MTASTS_OK)
        printf("ok");
    else if (strcmp(name_of(REFUSALS, status), "*") == 0)
        printf("error %s", mtasts_strerror(status));
    else
        printf("refused %s", name_of(REFUSALS, status));
}

static mtasts_answer *new_answer(void)
{
    mtasts_answer *answer;
    if (mtasts_answer_new(&answer) != MTASTS_OK)
        die("no answer");
    return answer;
}

static mtasts_step poll_step(void)
{
    mtasts_step step = {0};
    step.size = sizeof step;
    if (mtasts_lookup_poll(lookup, &step) != MTASTS_OK)
        die("no step");
    return step;
}

/* Gives the answer, and keeps the outcome if that was the last. */
static int32_t submit(uint32_t id, mtasts_answer *answer, uint64_t now)
{
    int32_t status = mtasts_lookup_submit(lookup, id, answer, now);
    mtasts_answer_free(answer);
    if (status == MTASTS_OK && poll_step().kind == MTASTS_STEP_DONE) {
        mtasts_outcome_free(outcome);
        if (mtasts_lookup_outcome(lookup, &outcome) != MTASTS_OK)
            die("no outcome");
    }
    return status;
}

/* NAME=NUMBER; gives 0 for a name that is none. */
static int set(char *setting)
{
    char *value = strchr(setting, '=');
    unsigned long given;

    if (value == NULL)
        return 0;
    *value++ = '\0';
    given = strtoul(value, NULL, 10);
#define SET(member, type)                                                                          \
    if (strcmp(setting, #member) == 0) {                                                           \
        config.member = (type)given;                                                               \
        return 1;                                                                                  \
    }
    SET(defer_on_dns_failure, int32_t)
    SET(divert_percent, int32_t)
    SET(fetch_timeout_ms, uint32_t)
    SET(refresh_after, uint32_t)
    SET(min_ttl, uint32_t)
    SET(max_ttl, uint32_t)
    SET(max_negative_ttl, uint32_t)
    SET(unknown_ttl, uint32_t)
    SET(max_body, size_t)
#undef SET
    return 0;
}

void do_lookup(void)
{
    octets domain = octets_word();
    char *store = word();
    uint64_t now = number();
    mtasts_answer *stored = new_answer();
    int32_t status;

    memset(&config, 0, sizeof config);
    config.size = sizeof config;
    for (char *setting; (setting = strtok(NULL, " ")) != NULL;)
        if (!set(setting)) {
            printf("unsupported");
            return;
        }
    if (strcmp(store, "failed") == 0) {
        mtasts_answer_fail(stored, MTASTS_STORE_FAILED);
    } else if (strncmp(store, "text:", 5) == 0) {
        octets text = decode(store + 5);
        mtasts_answer_stored(stored, text.data, text.len);
    } else if (strncmp(store, "local:", 6) == 0) {
        octets text = decode(store + 6);
        mtasts_answer_local_policy(stored, text.data, text.len, NULL);
    }
    if (!is_string(domain)) {
        printf("unsupported");
        return;
    }
    mtasts_lookup_free(lookup);
    status = mtasts_lookup_new(domain.data, &config, &lookup);
    if (status == MTASTS_OK)
        status = submit(poll_step().request_id, stored, now);
    else
        mtasts_answer_free(stored);
    put_status(status);
}

void do_poll(void)
{
    mtasts_step step = poll_step();

    switch (step.kind) {
    case MTASTS_STEP_QUERY_TXT:
        printf("query-txt %lu", (unsigned long)step.request_id);
        put(step.name, strlen(step.name));
        break;
    case MTASTS_STEP_FETCH:
        printf("fetch %lu", (unsigned long)step.request_id);
        put(step.name, strlen(step.name));
        put(step.path, strlen(step.path));
        printf(" %lu %zu", (unsigned long)step.timeout_ms, step.max_body);
        break;
    default: printf("done");
    }
}

/* An answer in C does not say to which kind of question it is one, so what is no answer to the
 * open question cannot be told from an answer that failed. */
static int is_other_kind(uint32_t id, int32_t kind)
{
    mtasts_step step = poll_step();
    return step.kind != MTASTS_STEP_DONE && step.request_id == id && step.kind != kind;
}

void do_txt(void)
{
    uint32_t id = (uint32_t)number();
    uint64_t now = number();
    char *kind = word(), *ttl = word();
    mtasts_answer *answer;

    if (is_other_kind(id, MTASTS_STEP_QUERY_TXT)) {
        printf("unsupported");
        return;
    }
    answer = new_answer();
    if (strcmp(ttl, "*") != 0)
        mtasts_answer_ttl(answer, (uint32_t)strtoul(ttl, NULL, 10));
    if (strcmp(kind, "records") == 0) {
        mtasts_bytes records[MAX_RECORDS];
        size_t count = read_records(records);
        for (size_t i = 0; i < count; i++)
            mtasts_answer_txt_record(answer, records[i].data, records[i].len);
        if (count == 0)
            mtasts_answer_fail(answer, MTASTS_TXT_NO_RECORDS);
    } else {
        mtasts_answer_fail(answer, numbered(FAILURES, kind));
    }
    put_status(submit(id, answer, now));
}

/* Gives 0 for a status that is none, which an answer in C cannot have. */
static int fill_reply(mtasts_answer *answer)
{
    uint64_t status = number();
    char *content_type = word();
    octets body = octets_word();

    if (mtasts_answer_http_status(answer, (int32_t)status) != MTASTS_OK)
        return 0;
    if (strcmp(content_type, "*") != 0) {
        octets value = decode(content_type);
        mtasts_answer_content_type(answer, value.data, value.len);
    }
    mtasts_answer_body(answer, body.data, body.len);
    return 1;
}

void do_https(void)
{
    uint32_t id = (uint32_t)number();
    uint64_t now = number();
    char *kind = word();
    mtasts_answer *answer;

    if (is_other_kind(id, MTASTS_STEP_FETCH)) {
        printf("unsupported");
        return;
    }
    answer = new_answer();
    if (strcmp(kind, "reply") != 0) {
        mtasts_answer_fail(answer, numbered(FAILURES, kind));
    } else if (!fill_reply(answer)) {
        mtasts_answer_free(answer);
        printf("unsupported");
        return;
    }
    put_status(submit(id, answer, now));
}

void do_again(void)
{
    mtasts_lookup *next;
    int32_t status = mtasts_outcome_look_again(outcome, &config, &next);

    if (status == MTASTS_OK) {
        mtasts_lookup_free(lookup);
        lookup = next;
    }
    put_status(status);
}

static void put_number(int is_there, uint64_t number)
{
    if (is_there)
        printf(" %llu", (unsigned long long)number);
    else
        printf(" *");
}

static void put_result(int32_t result)
{
    printf(" %s", result == MTASTS_RESULT_NONE ? "*" : mtasts_result_name(result));
}

static void put_reason(const mtasts_outcome_facts *facts)
{
    if (facts->reason == MTASTS_REASON_NONE)
        printf(" *");
    else if (facts->reason == MTASTS_REASON_STATUS)
        printf(" status-%ld", (long)facts->http_status);
    else
        printf(" %s", mtasts_reason_name(facts->reason));
}

void do_outcome(void)
{
    mtasts_outcome_facts facts = {0};
    const mtasts_policy *policy = mtasts_outcome_policy(outcome);
    mtasts_str id = mtasts_outcome_id(outcome); /* none for a local policy */

    facts.size = sizeof facts;
    if (mtasts_outcome_get(outcome, &facts) != MTASTS_OK)
        die("no facts");
    printf("outcome %s", mtasts_basis_name(facts.basis));
    put_reason(&facts);
    put_result(facts.result);
    printf(" %s %s", facts.changed ? "yes" : "no", facts.try_later ? "yes" : "no");
    printf(" %s", policy == NULL ? "*" : mtasts_mode_name(mtasts_policy_mode(policy)));
    printf(" %s", id.data == NULL ? "*" : id.data);
    put_number(policy != NULL, mtasts_policy_max_age(policy));
    put_number(id.data != NULL, facts.fetched_at);
    put_number(id.data != NULL, facts.expires_at);
    for (size_t i = 0; i < mtasts_policy_mx_count(policy); i++)
        put_str(mtasts_policy_mx(policy, i));
}

void do_stored(void)
{
    printf("stored");
    put_str(mtasts_outcome_stored(outcome));
}

void do_verdict(void)
{
    octets host = octets_word();
    mtasts_session session = {0};
    mtasts_verdict verdict = {0};

    session.size = sizeof session;
    verdict.size = sizeof verdict;
    session.mx_host = host.data;
    session.tls = numbered(TLS, word());
    session.certificate = numbered(CERTIFICATES, word());
    session.dane = numbered(DANE, word());
    session.mx_secure = strcmp(word(), "secure") == 0;
    if (mtasts_outcome_verdict(outcome, &session, &verdict) != MTASTS_OK)
        die("no verdict");
    printf("verdict %s", mtasts_action_name(verdict.action));
    put_result(verdict.result);
    printf(" %s", verdict.cause == MTASTS_CAUSE_NONE ? "*" : mtasts_cause_name(verdict.cause));
}

const mtasts_outcome *the_outcome(void)
{
    return outcome;
}

void lookup_end(void)
{
    mtasts_lookup_free(lookup);
    mtasts_outcome_free(outcome);
}
