/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A fork in every state of a look-up, in each callback, and while another thread asks for verdicts:
 * parent and child go on, both come to the same, and both free what they have.
 */
#define _POSIX_C_SOURCE 200809L
#include <mtasts.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char BODY[] = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n";

static int failures;
/* Where to fork: the number of the state, counted from 0. */
static int wanted, state;
static int is_child;
static pid_t child;

/* Forks if this is the state. */
static void here(void)
{
    if (state++ != wanted)
        return;
    fflush(NULL);
    child = fork();
    is_child = child == 0;
}

/* Ends the child; the parent hears what came of it. */
static void join(int holds)
{
    int status = 0;
    if (is_child)
        exit(holds ? 0 : 1);
    if (child > 0 && (waitpid(child, &status, 0) != child || status != 0)) {
        fprintf(stderr, "forks.c: state %d: the child ends with %d\n", wanted, status);
        failures++;
    }
    if (!holds) {
        fprintf(stderr, "forks.c: state %d: the parent fails\n", wanted);
        failures++;
    }
    child = 0;
}

static void fill(mtasts_answer *answer, int32_t kind)
{
    if (kind == MTASTS_STEP_QUERY_TXT)
        mtasts_answer_txt_record(answer, "v=STSv1; id=a", 13);
    if (kind != MTASTS_STEP_FETCH)
        return;
    mtasts_answer_http_status(answer, 200);
    mtasts_answer_content_type(answer, "text/plain", 10);
    here();
    mtasts_answer_body(answer, BODY, sizeof BODY - 1);
}

static int judges_well(const mtasts_outcome *outcome)
{
    mtasts_session session = {0};
    mtasts_verdict verdict = {0};
    session.size = sizeof session;
    session.mx_host = "mx.example.com";
    session.tls = MTASTS_TLS_FAILED;
    verdict.size = sizeof verdict;
    return mtasts_outcome_verdict(outcome, &session, &verdict) == MTASTS_OK &&
           verdict.action == MTASTS_ACTION_DEFER && verdict.cause == MTASTS_CAUSE_TLS_FAILED;
}

/* A look-up by polling, with a state before and after each call. */
static int polls_well(void)
{
    mtasts_lookup *lookup = NULL;
    mtasts_outcome *outcome = NULL;
    mtasts_step step = {0};
    int holds, steps;
    step.size = sizeof step;
    here();
    holds = mtasts_lookup_new("example.com", NULL, &lookup) == MTASTS_OK;
    for (steps = 0; steps < 4; steps++) {
        mtasts_answer *answer = NULL;
        here();
        holds = holds && mtasts_lookup_poll(lookup, &step) == MTASTS_OK;
        if (step.kind == MTASTS_STEP_DONE)
            break;
        here();
        holds = holds && mtasts_answer_new(&answer) == MTASTS_OK;
        fill(answer, step.kind);
        here();
        holds =
            holds && mtasts_lookup_submit(lookup, step.request_id, answer, 1767225600) == MTASTS_OK;
        mtasts_answer_free(answer);
    }
    here();
    holds = holds && mtasts_lookup_outcome(lookup, &outcome) == MTASTS_OK;
    here();
    mtasts_lookup_free(lookup);
    here();
    holds = holds && judges_well(outcome);
    here();
    mtasts_outcome_free(outcome);
    here();
    return holds;
}

static void txt(void *user, const char *name, mtasts_answer *into)
{
    (void)user, (void)name;
    here();
    fill(into, MTASTS_STEP_QUERY_TXT);
}

static void https(void *user, const mtasts_fetch *request, mtasts_answer *into)
{
    (void)user, (void)request;
    here();
    fill(into, MTASTS_STEP_FETCH);
}

static void load(void *user, const char *domain, mtasts_answer *into)
{
    (void)user, (void)domain, (void)into;
    here();
}

static void save(void *user, const mtasts_saved *entry)
{
    (void)user, (void)entry;
    here();
}

static uint64_t now(void *user)
{
    (void)user;
    here();
    return 1767225600;
}

/* A look-up by callbacks, with a state in each. */
static int resolves_well(void)
{
    mtasts_host host = {0};
    mtasts_outcome *outcome = NULL;
    int holds;
    host.size = sizeof host;
    host.txt = txt;
    host.https = https;
    host.load = load;
    host.save = save;
    host.now = now;
    holds = mtasts_resolve("example.com", NULL, &host, &outcome) == MTASTS_OK;
    here();
    holds = holds && judges_well(outcome);
    mtasts_outcome_free(outcome);
    return holds;
}

/* How many states there are. */
static int in_each_state(int (*works)(void))
{
    wanted = 0;
    do {
        state = 0;
        join(works());
    } while (++wanted < state);
    return state;
}

static volatile sig_atomic_t done;

static void *judge(void *outcome)
{
    int holds = 1;
    while (!done)
        holds = holds && judges_well(outcome);
    return holds ? NULL : outcome;
}

/* Forks while another thread is amid verdicts on what both of them have. */
static int forks_amid_verdicts(void)
{
    mtasts_host host = {0};
    mtasts_outcome *outcome = NULL;
    pthread_t thread;
    void *failed = NULL;
    host.size = sizeof host;
    host.txt = txt;
    host.https = https;
    host.now = now;
    wanted = -1;
    if (mtasts_resolve("example.com", NULL, &host, &outcome) != MTASTS_OK ||
        pthread_create(&thread, NULL, judge, outcome) != 0)
        return 0;
    for (wanted = 0; wanted < 50 && !is_child; wanted++) {
        state = wanted;
        here();
        if (is_child) {
            int holds = judges_well(outcome);
            mtasts_outcome_free(outcome);
            _exit(holds ? 0 : 1);
        }
        join(judges_well(outcome));
    }
    done = 1;
    pthread_join(thread, &failed);
    mtasts_outcome_free(outcome);
    return !failed;
}

int main(void)
{
    int polled = in_each_state(polls_well), resolved = in_each_state(resolves_well);
    if (!forks_amid_verdicts())
        failures++;
    printf("forked in %d states of a look-up, %d of one by callbacks, 50 times amid verdicts\n",
           polled, resolved);
    return failures || polled < 15 || resolved < 7;
}
