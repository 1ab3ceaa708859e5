/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Requests that stand for themselves: records, reports, policies, certificates. */

#include "surface.h"
#include <stdio.h>
#include <string.h>

static const named MODES[] = {{"enforce", MTASTS_MODE_ENFORCE},
                              {"testing", MTASTS_MODE_TESTING},
                              {"none", MTASTS_MODE_NONE},
                              {NULL, 0}};
static void put_problem(const mtasts_problem *problem)
{
    printf("invalid %s %zu %zu", problem->kind, problem->line, problem->column);
}

void do_record(void)
{
    mtasts_bytes records[MAX_RECORDS];
    mtasts_problem problem = {0};
    char id[MTASTS_ID_SIZE];
    size_t count = read_records(records);

    problem.size = sizeof problem;
    if (mtasts_record_select(records, count, id, &problem) != MTASTS_OK) {
        put_problem(&problem);
        return;
    }
    printf("id");
    put(id, strlen(id));
}

void do_tlsrpt(void)
{
    mtasts_bytes records[MAX_RECORDS];
    mtasts_problem problem = {0};
    mtasts_tlsrpt_record *record;
    size_t count = read_records(records);

    problem.size = sizeof problem;
    if (mtasts_tlsrpt_record_select(records, count, &record, &problem) != MTASTS_OK) {
        put_problem(&problem);
        return;
    }
    printf("rua");
    for (size_t i = 0; i < mtasts_tlsrpt_record_rua_count(record); i++)
        put_str(mtasts_tlsrpt_record_rua(record, i));
    mtasts_tlsrpt_record_free(record);
}

void do_report(void)
{
    octets json = octets_word();
    mtasts_problem problem = {0};
    mtasts_report *report;

    problem.size = sizeof problem;
    if (mtasts_report_parse(json.data, json.len, &report, &problem) != MTASTS_OK) {
        put_problem(&problem);
        return;
    }
    printf("report");
    put_str(mtasts_report_json(report));
    mtasts_report_free(report);
}

static void put_policy(const mtasts_policy *policy)
{
    mtasts_problem warning = {0};
    size_t count = mtasts_policy_mx_count(policy);

    printf("valid %s %lu %zu", name_of(MODES, mtasts_policy_mode(policy)),
           (unsigned long)mtasts_policy_max_age(policy), count);
    for (size_t i = 0; i < count; i++)
        put_str(mtasts_policy_mx(policy, i));
    warning.size = sizeof warning;
    for (size_t i = 0; mtasts_policy_warning(policy, i, &warning) == MTASTS_OK; i++)
        printf(" %s:%zu:%zu", warning.kind, warning.line, warning.column);
}

void do_policy(void)
{
    octets body = octets_word();
    mtasts_problem problem = {0};
    mtasts_policy *policy;

    problem.size = sizeof problem;
    if (mtasts_policy_parse(body.data, body.len, 0, &policy, &problem) != MTASTS_OK) {
        put_problem(&problem);
        return;
    }
    put_policy(policy);
    mtasts_policy_free(policy);
}

void do_match(void)
{
    octets body = octets_word();
    octets host = octets_word();
    mtasts_policy *policy;

    if (!is_string(host)) {
        printf("unsupported");
        return;
    }
    mtasts_policy_parse(body.data, body.len, 0, &policy, NULL); /* NULL lists nothing */
    printf(mtasts_policy_matches(policy, host.data) ? "yes" : "no");
    mtasts_policy_free(policy);
}

void do_certificate(void)
{
    octets der = octets_word();
    octets name = octets_word();

    if (!is_string(name))
        printf("unsupported");
    else if (mtasts_certificate_check_name(der.data, der.len, name.data) == MTASTS_OK)
        printf("yes");
    else
        printf("no");
}
