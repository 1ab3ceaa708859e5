/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * TLS reports as a C program meets them (R-RPT-2, R-RPT-3): read, counted, written, and every
 * misuse that the header speaks of. Run under valgrind by tests.sh beside it.
 */
#include <mtasts.h>
#include <stdio.h>
#include <string.h>

static int failures;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "report.c:%d: not so: %s\n", __LINE__, #condition);                    \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

#define DAY 86400
#define MORNING 1767225600 /* 2026-01-01T00:00:00Z */

static const char REPORT[] =
    "{\"organization-name\": \"A\\u0000B\", \"date-range\": {\n"
    "\"start-datetime\": \"2026-01-01T00:00:00Z\", \"end-datetime\": \"2026-01-01T23:59:59Z\"},\n"
    "\"contact-info\": null, \"report-id\": \"one\", \"policies\": [{\"policy\": {\n"
    "\"policy-type\": \"sts\", \"policy-domain\": \"example.com\", \"mx-host\": "
    "\"*.example.com\",\n"
    "\"policy-string\": [\"version: STSv1\", \"mode: testing\"]},\n"
    "\"summary\": {\"total-successful-session-count\": 20, \"total-failure-session-count\": 3},\n"
    "\"failure-details\": [{\"result-type\": \"certificate-expired\", \"sending-mta-ip\":\n"
    "\"192.0.2.1\", \"failed-session-count\": 2}, {\"result-type\": \"weather\",\n"
    "\"failed-session-count\": 1, \"failure-reason-code\": \"\"}]}]}";

/* It ends before it begins. */
static const char ENDLESS[] =
    "{\"report-id\": \"1\", \"policies\": [], \"date-range\": {\"start-datetime\":"
    "\"2026-01-02T00:00:00Z\", \"end-datetime\": \"2026-01-01T00:00:00Z\"}}";

static mtasts_report *read_report(void)
{
    mtasts_report *report = NULL;
    CHECK(mtasts_report_parse(REPORT, strlen(REPORT), &report, NULL) == MTASTS_OK);
    return report;
}

static int is(mtasts_str text, const char *wanted)
{
    return text.data && text.len == strlen(wanted) && strcmp(text.data, wanted) == 0;
}

static mtasts_report_facts facts_of(const mtasts_report *report)
{
    mtasts_report_facts facts = {0};
    facts.size = sizeof facts;
    CHECK(mtasts_report_get(report, &facts) == MTASTS_OK);
    return facts;
}

static mtasts_report_policy_facts policy_of(const mtasts_report *report, size_t policy)
{
    mtasts_report_policy_facts facts = {0};
    facts.size = sizeof facts;
    CHECK(mtasts_report_policy(report, policy, &facts) == MTASTS_OK);
    return facts;
}

static mtasts_report_failure_facts failure_of(const mtasts_report *report, size_t index)
{
    mtasts_report_failure_facts facts = {0};
    facts.size = sizeof facts;
    CHECK(mtasts_report_failure(report, 0, index, &facts) == MTASTS_OK);
    return facts;
}

static void reports_are_read(void)
{
    mtasts_report *report = read_report();
    mtasts_report_facts facts = facts_of(report);
    mtasts_report_policy_facts policy = policy_of(report, 0);
    CHECK(facts.organization_name.len == 3 && !memcmp(facts.organization_name.data, "A\0B", 4));
    CHECK(is(facts.contact_info, "") && is(facts.report_id, "one"));
    CHECK(facts.begin == MORNING && facts.end == MORNING + DAY - 1 && facts.policy_count == 1);
    CHECK(!facts.domain.data);
    CHECK(is(policy.type_name, "sts") && policy.policy_type == MTASTS_POLICY_TYPE_STS);
    CHECK(is(policy.domain, "example.com"));
    CHECK(policy.successful_sessions == 20 && policy.failed_sessions == 3);
    CHECK(policy.string_count == 2 && policy.mx_host_count == 1 && policy.failure_count == 2);
    CHECK(is(mtasts_report_policy_string(report, 0, 1), "mode: testing"));
    CHECK(is(mtasts_report_mx_host(report, 0, 0), "*.example.com"));
    CHECK(!mtasts_report_mx_host(report, 0, 1).data && !mtasts_report_mx_host(report, 1, 0).data);
    CHECK(!mtasts_report_policy_string(report, 0, 2).data);
    mtasts_report_free(report);
}

static void failures_are_told(void)
{
    mtasts_report *report = read_report();
    mtasts_report_failure_facts known = failure_of(report, 0), other = failure_of(report, 1);
    CHECK(known.result == MTASTS_RESULT_CERTIFICATE_EXPIRED && known.failed_sessions == 2);
    CHECK(is(known.result_type, "certificate-expired") && is(known.sending_mta_ip, "192.0.2.1"));
    CHECK(!known.receiving_ip.data && !known.failure_reason_code.data);
    CHECK(other.result == MTASTS_RESULT_NONE && is(other.result_type, "weather"));
    CHECK(is(other.failure_reason_code, ""));
    CHECK(strcmp(mtasts_policy_type_name(MTASTS_POLICY_TYPE_TLSA), "tlsa") == 0);
    CHECK(strcmp(mtasts_policy_type_name(0), "unknown") == 0);
    mtasts_report_free(report);
}

static void reports_are_written(void)
{
    mtasts_report *report = read_report(), *again = NULL;
    mtasts_str json = mtasts_report_json(report);
    char name[80] = "before";
    CHECK(json.data && json.data == mtasts_report_json(report).data);
    CHECK(json.data && json.len == strlen(json.data));
    CHECK(mtasts_report_parse(json.data, json.len, &again, NULL) == MTASTS_OK);
    CHECK(is(mtasts_report_json(again), json.data));
    CHECK(mtasts_report_file_name(report, "S.example", "example.com", NULL, MTASTS_REPORT_GZIP,
                                  name, sizeof name) == MTASTS_OK);
    CHECK(strcmp(name, "s.example!example.com!1767225600!1767311999.json.gz") == 0);
    CHECK(mtasts_report_file_name(report, "s.example", "example.com", "7", MTASTS_REPORT_JSON, name,
                                  sizeof name) == MTASTS_OK);
    CHECK(strcmp(name, "s.example!example.com!1767225600!1767311999!7.json") == 0);
    mtasts_report_free(again);
    mtasts_report_free(report);
}

static int32_t problem_in(const char *json, size_t len, mtasts_problem *problem)
{
    mtasts_report *report = (mtasts_report *)&failures;
    int32_t status;
    memset(problem, 0, sizeof *problem);
    problem->size = sizeof *problem;
    status = mtasts_report_parse(json, len, &report, problem);
    CHECK(!report);
    CHECK(mtasts_report_parse(json, len, &report, NULL) == status);
    return status;
}

static void what_is_wrong_is_told_with_its_place(void)
{
    static const char text[] = "\xEF\xBB\xBF{\"report-id\":\n \"\xC3\xBC\", \"report-id\": \"2\"}";
    static const char bad[] = "{\"report-id\": \"\xC3\xBC\", \"policies\": \"\xC3\xBC\"}";
    mtasts_problem problem;
    CHECK(problem_in(text, strlen(text), &problem) == MTASTS_E_REPORT);
    CHECK(problem.line == 2 && strcmp(problem.kind, "report") == 0 && *problem.message);
    CHECK(strcmp(problem.message, "duplicate field `report-id`") == 0);
    /* The line begins at octet 17, behind the byte order mark, and its letter takes two. */
    CHECK(problem.offset == 17 + problem.column && text[problem.offset] == '"');
    CHECK(problem_in(bad, strlen(bad), &problem) == MTASTS_E_REPORT && problem.line == 1);
    CHECK(strcmp(problem.message, "invalid type: string \"?\", expected a sequence") == 0);
    CHECK(problem_in("", 0, &problem) == MTASTS_E_REPORT);
    CHECK(problem_in(ENDLESS, strlen(ENDLESS), &problem) == MTASTS_E_REPORT);
    CHECK(problem.line == 0 && problem.column == 0 && problem.offset == 0);
    CHECK(strcmp(mtasts_strerror(MTASTS_E_REPORT), "the TLS report cannot be read") == 0);
    CHECK(problem_in(NULL, 1, &problem) == MTASTS_E_ARGUMENT);
    problem.size = 8;
    CHECK(mtasts_report_parse("", 0, (mtasts_report *[]){NULL}, &problem) == MTASTS_E_SIZE);
    /* Its octets are not looked at. */
    CHECK(problem_in(REPORT, (size_t)MTASTS_REPORT_SIZE + 1, &problem) == MTASTS_E_TOO_LARGE);
}

static void txt(void *user, const char *name, mtasts_answer *into)
{
    (void)user, (void)name;
    mtasts_answer_txt_record(into, "v=STSv1; id=a", 13);
}

static void https(void *user, const mtasts_fetch *request, mtasts_answer *into)
{
    static const char body[] = "version: STSv1\nmode: testing\nmx: *.example.com\nmax_age: 86400\n";
    (void)user, (void)request;
    mtasts_answer_http_status(into, 200);
    mtasts_answer_content_type(into, "text/plain", 10);
    mtasts_answer_body(into, body, sizeof body - 1);
}

static uint64_t now(void *user)
{
    (void)user;
    return MORNING;
}

static mtasts_outcome *outcome_of(const char *domain)
{
    mtasts_host host = {0};
    mtasts_outcome *outcome = NULL;
    host.size = sizeof host;
    host.txt = txt;
    host.https = https;
    host.now = now;
    CHECK(mtasts_resolve(domain, NULL, &host, &outcome) == MTASTS_OK);
    return outcome;
}

static mtasts_session session_of(const char *mx, int32_t certificate)
{
    mtasts_session session = {0};
    session.size = sizeof session;
    session.mx_host = mx;
    session.tls = MTASTS_TLS_ESTABLISHED;
    session.certificate = certificate;
    return session;
}

static mtasts_report_sender sender(void)
{
    mtasts_report_sender sender = {0};
    sender.size = sizeof sender;
    sender.organization_name = "Sender";
    sender.contact_info = "tls@sender.example";
    sender.submitter = "mta.sender.example";
    return sender;
}

static mtasts_report *take(mtasts_report_counter *counter, uint64_t at)
{
    mtasts_report_sender who = sender();
    mtasts_report *report = (mtasts_report *)&failures;
    CHECK(mtasts_report_counter_take(counter, at, &who, &report) == MTASTS_OK);
    return report;
}

/* Two sessions of one domain, one of another, all on one day. */
static mtasts_report_counter *counted(void)
{
    mtasts_report_counter *counter = NULL;
    mtasts_outcome *com = outcome_of("example.com"), *net = outcome_of("example.net");
    mtasts_session good = session_of("a.example.com", MTASTS_CERTIFICATE_VALID);
    mtasts_session bad = session_of("a.example.com", MTASTS_CERTIFICATE_EXPIRED);
    mtasts_tlsrpt_details details = {0};
    details.size = sizeof details;
    details.receiving_ip = "2001:db8::1";
    CHECK(mtasts_report_counter_new(&counter) == MTASTS_OK);
    CHECK(mtasts_report_counter_session(counter, MORNING, com, &good, NULL) == MTASTS_OK);
    CHECK(mtasts_report_counter_session(counter, MORNING + 9, com, &bad, &details) == MTASTS_OK);
    CHECK(mtasts_report_counter_session(counter, MORNING + 9, net, &bad, NULL) == MTASTS_OK);
    bad.tls = MTASTS_TLS_NOT_TRIED;
    CHECK(mtasts_report_counter_session(counter, MORNING, com, &bad, NULL) == MTASTS_OK);
    mtasts_outcome_free(com);
    mtasts_outcome_free(net);
    return counter;
}

static void sessions_become_reports(void)
{
    mtasts_report_counter *counter = counted();
    mtasts_report *report;
    mtasts_report_policy_facts policy;
    CHECK(!take(counter, MORNING + DAY - 1)); /* the day is not over */
    report = take(counter, MORNING + DAY);
    policy = policy_of(report, 0);
    CHECK(is(facts_of(report).domain, "example.com") && facts_of(report).policy_count == 1);
    CHECK(is(facts_of(report).report_id, "2026-01-01_example.com@mta.sender.example"));
    CHECK(is(facts_of(report).organization_name, "Sender"));
    CHECK(policy.successful_sessions == 1 && policy.failed_sessions == 1);
    CHECK(policy.policy_type == MTASTS_POLICY_TYPE_STS && policy.string_count == 4);
    CHECK(failure_of(report, 0).result == MTASTS_RESULT_CERTIFICATE_EXPIRED);
    CHECK(is(failure_of(report, 0).receiving_mx_hostname, "a.example.com"));
    CHECK(is(failure_of(report, 0).receiving_ip, "2001:db8::1"));
    mtasts_report_free(report);
    report = take(counter, MORNING + DAY);
    CHECK(is(facts_of(report).domain, "example.net"));
    mtasts_report_free(report);
    CHECK(!take(counter, MORNING + DAY));
    mtasts_report_counter_free(counter);
}

/* What one process has counted of a day goes on in the next. */
static void reports_are_added_up(void)
{
    mtasts_report_counter *counter = counted();
    mtasts_report *report = take(counter, UINT64_MAX), *other = take(counter, UINT64_MAX);
    CHECK(!take(counter, UINT64_MAX));
    mtasts_report_counter_free(counter);
    counter = counted();
    CHECK(mtasts_report_counter_add(counter, "Example.COM.", report) == MTASTS_OK);
    mtasts_report_free(report);
    report = take(counter, MORNING + DAY);
    CHECK(facts_of(report).policy_count == 1 && policy_of(report, 0).failure_count == 1);
    CHECK(policy_of(report, 0).successful_sessions == 2 &&
          failure_of(report, 0).failed_sessions == 2);
    mtasts_report_free(report);
    mtasts_report_free(other);
    mtasts_report_counter_free(counter); /* with a report that nobody has taken */
}

static void misuse_of_a_report_is_refused(void)
{
    mtasts_report *report = read_report();
    mtasts_report_facts facts = {0};
    mtasts_report_failure_facts failure = {0};
    mtasts_report_policy_facts policy = {0};
    char name[80];
    CHECK(mtasts_report_parse(REPORT, 9, NULL, NULL) == MTASTS_E_REPORT);
    CHECK(mtasts_report_parse(REPORT, strlen(REPORT), NULL, NULL) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_get(report, &facts) == MTASTS_E_SIZE);
    CHECK(mtasts_report_get(report, NULL) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_get(NULL, &facts) == MTASTS_E_ARGUMENT);
    policy.size = sizeof policy;
    failure.size = sizeof failure;
    CHECK(mtasts_report_policy(report, 1, &policy) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_failure(report, 1, 0, &failure) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_failure(report, 0, 2, &failure) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_policy(NULL, 0, &policy) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_failure(NULL, 0, 0, &failure) == MTASTS_E_ARGUMENT);
    CHECK(!mtasts_report_json(NULL).data && !mtasts_report_mx_host(NULL, 0, 0).data);
    CHECK(!mtasts_report_policy_string(NULL, 0, 0).data);
    CHECK(mtasts_report_file_name(report, "a", "b", "!", 0, name, 80) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_file_name(report, "a", "b", NULL, 2, name, 80) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_file_name(report, "a", "b", NULL, 0, NULL, 80) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_file_name(report, NULL, "b", NULL, 0, name, 80) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_file_name(report, "a", "_", NULL, 0, name, 80) == MTASTS_E_DOMAIN);
    CHECK(mtasts_report_file_name(report, "a", "b", NULL, 0, name, 9) == MTASTS_E_TOO_LARGE);
    CHECK(!*name);
    mtasts_report_free(report);
    mtasts_report_free(NULL);
}

static void misuse_of_a_counter_is_refused(void)
{
    mtasts_report_counter *counter = counted();
    mtasts_report *report = read_report(), *out = report;
    mtasts_outcome *outcome = outcome_of("example.com");
    mtasts_session session = session_of("a.example.com", 99);
    mtasts_report_sender who = sender();
    CHECK(mtasts_report_counter_session(counter, 0, outcome, &session, NULL) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_counter_session(counter, 0, outcome, NULL, NULL) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_counter_session(counter, 0, NULL, &session, NULL) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_counter_session(NULL, 0, outcome, &session, NULL) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_counter_add(counter, "_", report) == MTASTS_E_DOMAIN);
    CHECK(mtasts_report_counter_add(counter, "a", NULL) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_counter_add(counter, NULL, report) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_counter_add(NULL, "a", report) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_counter_take(counter, UINT64_MAX, &who, NULL) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_counter_take(counter, UINT64_MAX, NULL, &out) == MTASTS_E_ARGUMENT);
    CHECK(mtasts_report_counter_take(NULL, UINT64_MAX, &who, &out) == MTASTS_E_ARGUMENT && !out);
    who.submitter = "_";
    CHECK(mtasts_report_counter_take(counter, UINT64_MAX, &who, &out) == MTASTS_E_DOMAIN);
    who.submitter = "mta.sender.example";
    who.contact_info = NULL;
    CHECK(mtasts_report_counter_take(counter, UINT64_MAX, &who, &out) == MTASTS_E_ARGUMENT);
    who.size = 1;
    CHECK(mtasts_report_counter_take(counter, UINT64_MAX, &who, &out) == MTASTS_E_SIZE);
    CHECK(mtasts_report_counter_new(NULL) == MTASTS_E_ARGUMENT);
    mtasts_report_free(report);
    report = take(counter, MORNING + DAY); /* no refusal has lost anything */
    CHECK(report && policy_of(report, 0).failed_sessions == 1);
    mtasts_report_free(report);
    mtasts_outcome_free(outcome);
    mtasts_report_counter_free(counter);
    mtasts_report_counter_free(NULL);
}

int main(void)
{
    reports_are_read();
    failures_are_told();
    reports_are_written();
    what_is_wrong_is_told_with_its_place();
    sessions_become_reports();
    reports_are_added_up();
    misuse_of_a_report_is_refused();
    misuse_of_a_counter_is_refused();
    if (failures == 0)
        printf("report.c: 8 passed, 0 failed\n");
    return failures != 0;
}
