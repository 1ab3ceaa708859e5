/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Every function of libmtasts with what it must withstand: NULL for each pointer, sizes of 0 and
 * none, structs of no version. Prints the names of the functions, which hardness.sh compares with
 * those that the library exports. What C cannot detect is left out: handles that were freed, or are
 * none.
 */
#include <mtasts.h>
#include <stdio.h>
#include <string.h>

static int failures;

static void check(int holds, const char *what, const char *arguments)
{
    if (!holds) {
        fprintf(stderr, "not so: %s%s\n", what, arguments);
        failures++;
    }
}

static void check_call(int holds, const char *name, const char *arguments)
{
    puts(name);
    check(holds, name, arguments);
}

/* What the call gives, or that nothing comes of it. */
#define GIVES(name, arguments, wanted) check_call(name arguments == (wanted), #name, #arguments)
#define NO_STRING(name, arguments) check_call(!name arguments.data, #name, #arguments)
#define WORD(name, number, word) check_call(strcmp(name(number), word) == 0, #name, "(" #number ")")
#define DOES_NOTHING(name, arguments) (name arguments, check_call(1, #name, #arguments))
#define IS(value, wanted) check((value) == (wanted), #value, " == " #wanted)

#define ARGUMENT MTASTS_E_ARGUMENT
#define NEVER_SET ((size_t)-1)

static const char BODY[] = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n";
static const char JSON[] =
    "{\"date-range\": {\"start-datetime\": \"2026-01-01T00:00:00Z\", \"end-datetime\": "
    "\"2026-01-01T23:59:59Z\"}, \"report-id\": \"1\", \"policies\": []}";

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

/* A host whose network always answers. */
static mtasts_host host(void)
{
    mtasts_host host = {0};
    host.size = sizeof host;
    host.txt = txt;
    host.https = https;
    host.now = now;
    return host;
}

static void words(void)
{
    WORD(mtasts_action_name, 99, "unknown");
    WORD(mtasts_basis_name, -1, "unknown");
    WORD(mtasts_cause_name, 99, "unknown");
    WORD(mtasts_cause_text, 99, "unknown");
    WORD(mtasts_certificate_name, 99, "unknown");
    WORD(mtasts_mode_name, 0, "unknown");
    WORD(mtasts_policy_type_name, 99, "unknown");
    WORD(mtasts_reason_name, -2147483647 - 1, "unknown");
    WORD(mtasts_result_name, 2147483647, "unknown");
    WORD(mtasts_strerror, 77, "unknown status");
    GIVES(mtasts_abi_version, (), MTASTS_ABI_VERSION);
    GIVES(mtasts_version_check, (0, 0, 0), MTASTS_OK);
    GIVES(mtasts_version_check, (-1, -1, -1), MTASTS_E_VERSION);
    GIVES(mtasts_version_check, (0, 2147483647, 0), MTASTS_E_VERSION);
    check_call(*mtasts_version() != 0, "mtasts_version", "()");
}

static void answers(void)
{
    mtasts_answer *answer = NULL;
    mtasts_problem problem = {0};
    char large[70000] = {0};
    GIVES(mtasts_answer_new, (NULL), ARGUMENT);
    GIVES(mtasts_answer_body, (NULL, "a", 1), ARGUMENT);
    GIVES(mtasts_answer_content_type, (NULL, "a", 1), ARGUMENT);
    GIVES(mtasts_answer_fail, (NULL, MTASTS_TXT_TEMPORARY), ARGUMENT);
    GIVES(mtasts_answer_http_status, (NULL, 200), ARGUMENT);
    GIVES(mtasts_answer_local_policy, (NULL, BODY, sizeof BODY - 1, NULL), ARGUMENT);
    GIVES(mtasts_answer_stored, (NULL, "a", 1), ARGUMENT);
    GIVES(mtasts_answer_ttl, (NULL, 1), ARGUMENT);
    GIVES(mtasts_answer_txt_rdata, (NULL, "\1a", 2), ARGUMENT);
    GIVES(mtasts_answer_txt_record, (NULL, "a", 1), ARGUMENT);
    if (mtasts_answer_new(&answer) != MTASTS_OK)
        return;
    GIVES(mtasts_answer_body, (answer, NULL, 0), MTASTS_OK);
    GIVES(mtasts_answer_body, (answer, NULL, 1), ARGUMENT);
    GIVES(mtasts_answer_body, (answer, "a", NEVER_SET), ARGUMENT);
    GIVES(mtasts_answer_body, (answer, large, sizeof large), MTASTS_E_TOO_LARGE);
    GIVES(mtasts_answer_content_type, (answer, NULL, 1), ARGUMENT);
    GIVES(mtasts_answer_content_type, (answer, large, sizeof large), MTASTS_E_TOO_LARGE);
    GIVES(mtasts_answer_fail, (answer, 0), ARGUMENT);
    GIVES(mtasts_answer_http_status, (answer, 0), ARGUMENT);
    GIVES(mtasts_answer_local_policy, (answer, NULL, 1, NULL), ARGUMENT);
    GIVES(mtasts_answer_local_policy, (answer, "a", 1, &problem), MTASTS_E_SIZE);
    GIVES(mtasts_answer_stored, (answer, NULL, 1), ARGUMENT);
    GIVES(mtasts_answer_stored, (answer, "a", NEVER_SET / 2 + 1), ARGUMENT);
    GIVES(mtasts_answer_txt_rdata, (answer, NULL, 1), ARGUMENT);
    GIVES(mtasts_answer_txt_rdata, (answer, "\2a", 2), ARGUMENT);
    GIVES(mtasts_answer_txt_record, (answer, NULL, 1), ARGUMENT);
    GIVES(mtasts_answer_txt_record, (answer, NULL, 0), MTASTS_OK);
    GIVES(mtasts_answer_txt_record, (answer, large, sizeof large), MTASTS_E_TOO_LARGE);
    mtasts_answer_free(answer);
    DOES_NOTHING(mtasts_answer_free, (NULL));
}

static void lookups(void)
{
    mtasts_lookup *lookup = NULL;
    mtasts_answer *answer = NULL;
    mtasts_outcome *outcome = NULL;
    mtasts_step step = {0};
    mtasts_config config = {0};
    mtasts_host mine = host(), none = {0};
    GIVES(mtasts_lookup_new, (NULL, NULL, &lookup), ARGUMENT);
    GIVES(mtasts_lookup_new, ("example.com", NULL, NULL), ARGUMENT);
    GIVES(mtasts_lookup_new, ("example.com", &config, &lookup), MTASTS_E_SIZE);
    config.size = NEVER_SET;
    GIVES(mtasts_lookup_new, ("example.com", &config, &lookup), MTASTS_E_SIZE);
    GIVES(mtasts_lookup_new, ("", NULL, &lookup), MTASTS_E_DOMAIN);
    GIVES(mtasts_lookup_poll, (NULL, &step), ARGUMENT);
    GIVES(mtasts_lookup_submit, (NULL, 0, NULL, 0), ARGUMENT);
    GIVES(mtasts_lookup_outcome, (NULL, &outcome), ARGUMENT);
    GIVES(mtasts_lookup_run, (NULL, &mine, &outcome), ARGUMENT);
    GIVES(mtasts_resolve, (NULL, NULL, &mine, &outcome), ARGUMENT);
    GIVES(mtasts_resolve, ("example.com", NULL, NULL, &outcome), ARGUMENT);
    GIVES(mtasts_resolve, ("example.com", NULL, &none, &outcome), MTASTS_E_SIZE);
    none.size = sizeof none;
    GIVES(mtasts_resolve, ("example.com", NULL, &none, &outcome), ARGUMENT);
    GIVES(mtasts_resolve, ("example.com", NULL, &mine, NULL), ARGUMENT);
    GIVES(mtasts_resolve_again, (NULL, NULL, &mine, &outcome), ARGUMENT);
    if (mtasts_lookup_new("example.com", NULL, &lookup) != MTASTS_OK ||
        mtasts_answer_new(&answer) != MTASTS_OK)
        return;
    GIVES(mtasts_lookup_poll, (lookup, NULL), ARGUMENT);
    GIVES(mtasts_lookup_poll, (lookup, &step), MTASTS_E_SIZE);
    GIVES(mtasts_lookup_outcome, (lookup, &outcome), MTASTS_E_UNFINISHED);
    GIVES(mtasts_lookup_outcome, (lookup, NULL), MTASTS_E_UNFINISHED);
    GIVES(mtasts_lookup_submit, (lookup, 0, NULL, 0), ARGUMENT);
    GIVES(mtasts_lookup_submit, (lookup, 99, answer, 0), MTASTS_E_STALE_REQUEST);
    GIVES(mtasts_lookup_run, (lookup, NULL, &outcome), ARGUMENT);
    GIVES(mtasts_lookup_run, (lookup, &mine, NULL), ARGUMENT);
    GIVES(mtasts_lookup_run, (lookup, &mine, &outcome), MTASTS_OK);
    GIVES(mtasts_lookup_submit, (lookup, 0, answer, 0), MTASTS_E_FINISHED);
    mtasts_outcome_free(outcome);
    mtasts_answer_free(answer);
    mtasts_lookup_free(lookup);
    DOES_NOTHING(mtasts_lookup_free, (NULL));
}

static void outcomes(void)
{
    mtasts_outcome *outcome = NULL, *other = NULL;
    mtasts_lookup *lookup = NULL;
    mtasts_outcome_facts facts = {0};
    mtasts_session session = {0};
    mtasts_verdict verdict = {0};
    mtasts_host mine = host();
    GIVES(mtasts_outcome_get, (NULL, &facts), ARGUMENT);
    GIVES(mtasts_outcome_look_again, (NULL, NULL, &lookup), ARGUMENT);
    GIVES(mtasts_outcome_policy, (NULL), NULL);
    GIVES(mtasts_outcome_verdict, (NULL, &session, &verdict), ARGUMENT);
    NO_STRING(mtasts_outcome_domain, (NULL));
    NO_STRING(mtasts_outcome_explanation, (NULL));
    NO_STRING(mtasts_outcome_id, (NULL));
    NO_STRING(mtasts_outcome_stored, (NULL));
    if (mtasts_resolve("example.com", NULL, &mine, &outcome) != MTASTS_OK)
        return;
    GIVES(mtasts_outcome_get, (outcome, NULL), ARGUMENT);
    GIVES(mtasts_outcome_get, (outcome, &facts), MTASTS_E_SIZE);
    facts.size = NEVER_SET;
    GIVES(mtasts_outcome_get, (outcome, &facts), MTASTS_E_SIZE);
    GIVES(mtasts_outcome_look_again, (outcome, NULL, NULL), ARGUMENT);
    GIVES(mtasts_resolve_again, (outcome, NULL, NULL, &other), ARGUMENT);
    GIVES(mtasts_resolve_again, (outcome, NULL, &mine, NULL), ARGUMENT);
    GIVES(mtasts_outcome_verdict, (outcome, NULL, NULL), ARGUMENT);
    verdict.size = sizeof verdict;
    verdict.action = MTASTS_ACTION_DELIVER;
    GIVES(mtasts_outcome_verdict, (outcome, NULL, &verdict), ARGUMENT);
    IS(verdict.action, MTASTS_ACTION_DEFER);
    verdict.action = MTASTS_ACTION_DELIVER;
    GIVES(mtasts_outcome_verdict, (outcome, &session, &verdict), MTASTS_E_SIZE);
    IS(verdict.action, MTASTS_ACTION_DEFER);
    session.size = sizeof session;
    GIVES(mtasts_outcome_verdict, (outcome, &session, &verdict), ARGUMENT); /* no MX host */
    GIVES(mtasts_outcome_verdict, (outcome, &session, NULL), ARGUMENT);
    mtasts_outcome_free(outcome);
    DOES_NOTHING(mtasts_outcome_free, (NULL));
}

static void policies(void)
{
    mtasts_policy *policy = NULL;
    mtasts_problem problem = {0};
    GIVES(mtasts_policy_parse, (NULL, 1, 0, &policy, NULL), ARGUMENT);
    GIVES(mtasts_policy_parse, (NULL, 0, 0, &policy, NULL), MTASTS_E_POLICY);
    GIVES(mtasts_policy_parse, (BODY, NEVER_SET, 0, &policy, NULL), ARGUMENT);
    GIVES(mtasts_policy_parse, (BODY, sizeof BODY - 1, 0, NULL, NULL), ARGUMENT);
    GIVES(mtasts_policy_parse, (BODY, sizeof BODY - 1, 77, &policy, NULL), ARGUMENT);
    GIVES(mtasts_policy_parse, ("", 0, 0, &policy, &problem), MTASTS_E_SIZE);
    GIVES(mtasts_policy_matches, (NULL, "mx.example.com"), 0);
    GIVES(mtasts_policy_max_age, (NULL), 0);
    GIVES(mtasts_policy_mode, (NULL), 0);
    GIVES(mtasts_policy_mx_count, (NULL), 0);
    GIVES(mtasts_policy_warning, (NULL, 0, &problem), ARGUMENT);
    GIVES(mtasts_policy_warning_count, (NULL), 0);
    NO_STRING(mtasts_policy_mx, (NULL, 0));
    NO_STRING(mtasts_policy_text, (NULL));
    if (mtasts_policy_parse(BODY, sizeof BODY - 1, 0, &policy, NULL) != MTASTS_OK)
        return;
    GIVES(mtasts_policy_matches, (policy, NULL), 0);
    GIVES(mtasts_policy_matches, (policy, "mx.example.com"), 1);
    GIVES(mtasts_policy_warning, (policy, 0, NULL), ARGUMENT);
    NO_STRING(mtasts_policy_mx, (policy, NEVER_SET));
    mtasts_policy_free(policy);
    DOES_NOTHING(mtasts_policy_free, (NULL));
}

static void records(void)
{
    mtasts_tlsrpt_record *record = NULL;
    const mtasts_bytes record_of_ours = {"v=TLSRPTv1; rua=mailto:a@example.com", 36};
    mtasts_bytes bytes = {NULL, 1};
    char id[MTASTS_ID_SIZE];
    GIVES(mtasts_record_select, (NULL, 1, id, NULL), ARGUMENT);
    GIVES(mtasts_record_select, (NULL, 0, id, NULL), MTASTS_E_RECORD);
    GIVES(mtasts_record_select, (&bytes, 1, id, NULL), ARGUMENT);
    GIVES(mtasts_record_select, (&bytes, NEVER_SET, id, NULL), ARGUMENT);
    GIVES(mtasts_record_select, (&bytes, 1, NULL, NULL), ARGUMENT);
    GIVES(mtasts_tlsrpt_record_select, (NULL, 1, &record, NULL), ARGUMENT);
    GIVES(mtasts_tlsrpt_record_select, (NULL, 0, &record, NULL), MTASTS_E_RECORD);
    GIVES(mtasts_tlsrpt_record_select, (&bytes, 1, &record, NULL), ARGUMENT);
    GIVES(mtasts_tlsrpt_record_select, (&record_of_ours, 1, NULL, NULL), ARGUMENT);
    GIVES(mtasts_tlsrpt_record_rua_count, (NULL), 0);
    NO_STRING(mtasts_tlsrpt_record_rua, (NULL, 0));
    DOES_NOTHING(mtasts_tlsrpt_record_free, (NULL));
    GIVES(mtasts_certificate_check_name, (NULL, 1, "example.com"), ARGUMENT);
    GIVES(mtasts_certificate_check_name, ("", 0, "example.com"), MTASTS_E_CERTIFICATE);
    GIVES(mtasts_certificate_check_name, ("", 0, NULL), ARGUMENT);
}

static void postfix(void)
{
    mtasts_outcome *outcome = NULL;
    mtasts_postfix_style style = {0};
    mtasts_host mine = host();
    char buffer[4] = "abc";
    int32_t found = 77;
    size_t length = 77;
    GIVES(mtasts_postfix_next_hop, (NULL, buffer, sizeof buffer), ARGUMENT);
    GIVES(mtasts_postfix_next_hop, ("a", NULL, 4), ARGUMENT);
    GIVES(mtasts_postfix_next_hop, ("a", buffer, 0), MTASTS_E_TOO_LARGE);
    GIVES(mtasts_postfix_policy, (NULL, &style, &found, buffer, 4, &length), ARGUMENT);
    IS(found, MTASTS_POSTFIX_TEMPORARY);
    if (mtasts_resolve("example.com", NULL, &mine, &outcome) != MTASTS_OK)
        return;
    GIVES(mtasts_postfix_policy, (outcome, NULL, &found, buffer, 4, &length), ARGUMENT);
    GIVES(mtasts_postfix_policy, (outcome, &style, &found, buffer, 4, &length), MTASTS_E_SIZE);
    style.size = sizeof style;
    style.dane = MTASTS_DOMAIN_DANE_NONE;
    GIVES(mtasts_postfix_policy, (outcome, &style, NULL, buffer, 4, &length), ARGUMENT);
    GIVES(mtasts_postfix_policy, (outcome, &style, &found, NULL, 4, &length), ARGUMENT);
    GIVES(mtasts_postfix_policy, (outcome, &style, &found, buffer, 0, NULL), MTASTS_E_TOO_LARGE);
    GIVES(mtasts_postfix_policy, (outcome, &style, &found, buffer, 4, &length), MTASTS_E_TOO_LARGE);
    IS(*buffer, 0);
    mtasts_outcome_free(outcome);
}

static void tlsrpt(void)
{
    static const char RECORD[] = "v=TLSRPTv1; rua=mailto:a@example.com";
    mtasts_outcome *outcome = NULL;
    mtasts_tlsrpt_record *record = NULL;
    mtasts_report_counter *counter = NULL;
    mtasts_session session = {0};
    mtasts_bytes bytes;
    mtasts_host mine = host();
    char buffer[4];
    size_t length = 77;
    bytes.data = RECORD;
    bytes.len = sizeof RECORD - 1;
    GIVES(mtasts_tlsrpt_datagram, (NULL, &session, NULL, NULL, buffer, 4, &length), ARGUMENT);
    IS(length, 0);
    if (mtasts_resolve("example.com", NULL, &mine, &outcome) != MTASTS_OK ||
        mtasts_tlsrpt_record_select(&bytes, 1, &record, NULL) != MTASTS_OK ||
        mtasts_report_counter_new(&counter) != MTASTS_OK)
        return;
    GIVES(mtasts_tlsrpt_datagram, (outcome, NULL, record, NULL, buffer, 4, &length), ARGUMENT);
    GIVES(mtasts_tlsrpt_datagram, (outcome, &session, record, NULL, buffer, 4, &length),
          MTASTS_E_SIZE);
    GIVES(mtasts_report_counter_session, (counter, 0, outcome, &session, NULL), MTASTS_E_SIZE);
    session.size = sizeof session;
    session.mx_host = "mx.example.com";
    session.tls = MTASTS_TLS_NOT_OFFERED;
    GIVES(mtasts_tlsrpt_datagram, (outcome, &session, NULL, NULL, buffer, 4, &length), ARGUMENT);
    GIVES(mtasts_tlsrpt_datagram, (outcome, &session, record, NULL, NULL, 4, &length), ARGUMENT);
    GIVES(mtasts_tlsrpt_datagram, (outcome, &session, record, NULL, buffer, 0, &length),
          MTASTS_E_TOO_LARGE);
    GIVES(mtasts_tlsrpt_datagram, (outcome, &session, record, NULL, buffer, 4, NULL), ARGUMENT);
    GIVES(mtasts_report_counter_session, (NULL, 0, outcome, &session, NULL), ARGUMENT);
    GIVES(mtasts_report_counter_session, (counter, 0, NULL, &session, NULL), ARGUMENT);
    GIVES(mtasts_report_counter_session, (counter, 0, outcome, NULL, NULL), ARGUMENT);
    mtasts_outcome_free(outcome);
    mtasts_tlsrpt_record_free(record);
    mtasts_report_counter_free(counter);
}

static void reports(void)
{
    mtasts_report *report = NULL, *none = NULL;
    mtasts_report_facts facts = {0};
    mtasts_report_policy_facts policy = {0};
    mtasts_report_failure_facts failure = {0};
    char buffer[4];
    GIVES(mtasts_report_parse, (NULL, 1, &none, NULL), ARGUMENT);
    GIVES(mtasts_report_parse, (NULL, 0, &none, NULL), MTASTS_E_REPORT);
    GIVES(mtasts_report_parse, (JSON, NEVER_SET, &none, NULL), ARGUMENT);
    GIVES(mtasts_report_parse, (JSON, sizeof JSON - 1, NULL, NULL), ARGUMENT);
    GIVES(mtasts_report_get, (NULL, &facts), ARGUMENT);
    GIVES(mtasts_report_policy, (NULL, 0, &policy), ARGUMENT);
    GIVES(mtasts_report_failure, (NULL, 0, 0, &failure), ARGUMENT);
    NO_STRING(mtasts_report_json, (NULL));
    NO_STRING(mtasts_report_mx_host, (NULL, 0, 0));
    NO_STRING(mtasts_report_policy_string, (NULL, 0, 0));
    GIVES(mtasts_report_file_name, (NULL, "a.example", "b.example", NULL, 0, buffer, 4), ARGUMENT);
    if (mtasts_report_parse(JSON, sizeof JSON - 1, &report, NULL) != MTASTS_OK)
        return;
    GIVES(mtasts_report_get, (report, NULL), ARGUMENT);
    GIVES(mtasts_report_get, (report, &facts), MTASTS_E_SIZE);
    GIVES(mtasts_report_policy, (report, NEVER_SET, &policy), ARGUMENT);
    GIVES(mtasts_report_failure, (report, 0, NEVER_SET, &failure), ARGUMENT);
    NO_STRING(mtasts_report_mx_host, (report, NEVER_SET, NEVER_SET));
    GIVES(mtasts_report_file_name, (report, NULL, "b.example", NULL, 0, buffer, 4), ARGUMENT);
    GIVES(mtasts_report_file_name, (report, "a.example", NULL, NULL, 0, buffer, 4), ARGUMENT);
    GIVES(mtasts_report_file_name, (report, "a.example", "b.example", NULL, 0, NULL, 4), ARGUMENT);
    GIVES(mtasts_report_file_name, (report, "a.example", "b.example", NULL, 0, buffer, 0),
          MTASTS_E_TOO_LARGE);
    GIVES(mtasts_report_file_name, (report, "a.example", "b.example", NULL, 9, buffer, 4),
          ARGUMENT);
    mtasts_report_free(report);
    DOES_NOTHING(mtasts_report_free, (NULL));
}

static void counters(void)
{
    mtasts_report_counter *counter = NULL;
    mtasts_report *report = NULL;
    mtasts_report_sender sender = {0};
    GIVES(mtasts_report_counter_new, (NULL), ARGUMENT);
    GIVES(mtasts_report_counter_add, (NULL, "example.com", NULL), ARGUMENT);
    GIVES(mtasts_report_counter_take, (NULL, 0, &sender, &report), ARGUMENT);
    if (mtasts_report_counter_new(&counter) != MTASTS_OK)
        return;
    GIVES(mtasts_report_counter_add, (counter, NULL, NULL), ARGUMENT);
    GIVES(mtasts_report_counter_add, (counter, "example.com", NULL), ARGUMENT);
    GIVES(mtasts_report_counter_take, (counter, 0, NULL, &report), ARGUMENT);
    GIVES(mtasts_report_counter_take, (counter, 0, &sender, &report), MTASTS_E_SIZE);
    sender.size = sizeof sender;
    GIVES(mtasts_report_counter_take, (counter, 0, &sender, &report), ARGUMENT);
    GIVES(mtasts_report_counter_take, (counter, 0, &sender, NULL), ARGUMENT);
    mtasts_report_counter_free(counter);
    DOES_NOTHING(mtasts_report_counter_free, (NULL));
}

int main(void)
{
    words();
    answers();
    lookups();
    outcomes();
    policies();
    records();
    postfix();
    tlsrpt();
    reports();
    counters();
    return failures ? 1 : 0;
}
