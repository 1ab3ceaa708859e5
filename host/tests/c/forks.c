/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A fork in every state of a look-up by the default host, in each callback and between: parent and
 * child go on, with the one store, and both close. It is called with a lab's name server, its roots
 * and HTTPS port, and a store.
 */
#define _POSIX_C_SOURCE 200809L
#include <mtasts_host.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

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

/*
 * Ends the child; the parent hears what came of it. No leaks are looked for in a child, which keeps
 * a small struct of its parent's store for ever.
 */
static void join(int holds)
{
    int status = 0;
    if (is_child)
        _exit(holds ? 0 : 1);
    if (child > 0 && (waitpid(child, &status, 0) != child || status != 0)) {
        fprintf(stderr, "host forks.c: state %d: the child ends with %d\n", wanted, status);
        failures++;
    }
    if (!holds) {
        fprintf(stderr, "host forks.c: state %d: the parent fails\n", wanted);
        failures++;
    }
    child = 0;
}

/* The default host's callbacks, with a state before and after each. */
static const mtasts_host *theirs;

static void txt(void *user, const char *name, mtasts_answer *into)
{
    here();
    theirs->txt(user, name, into);
    here();
}

static void https(void *user, const mtasts_fetch *request, mtasts_answer *into)
{
    here();
    theirs->https(user, request, into);
    here();
}

static void load(void *user, const char *domain, mtasts_answer *into)
{
    here();
    theirs->load(user, domain, into);
    here();
}

static void save(void *user, const mtasts_saved *entry)
{
    here();
    theirs->save(user, entry);
    here();
}

static mtasts_default_host *open_host(char *argv[])
{
    mtasts_default_host_options options = {0};
    mtasts_default_host *host = NULL;
    const char *nameserver = argv[1];
    char error[200];
    options.size = sizeof options;
    options.nameservers = &nameserver;
    options.nameserver_count = 1;
    options.ca_file = argv[2];
    options.https_port = (uint16_t)atoi(argv[3]);
    options.store = argv[4];
    options.allow_non_global = 1;
    if (mtasts_default_host_open(&options, &host, error, sizeof error) != MTASTS_OK)
        fprintf(stderr, "%s\n", error);
    return host;
}

static int judges_well(const mtasts_outcome *outcome)
{
    mtasts_session session = {0};
    mtasts_verdict verdict = {0};
    session.size = sizeof session;
    session.mx_host = "mx.good.example";
    session.tls = MTASTS_TLS_NOT_OFFERED;
    verdict.size = sizeof verdict;
    return mtasts_outcome_verdict(outcome, &session, &verdict) == MTASTS_OK &&
           verdict.cause == MTASTS_CAUSE_STARTTLS_NOT_SUPPORTED;
}

/* The store has the policy, for whoever opens it. */
static int is_stored(const mtasts_default_host *host)
{
    mtasts_domain_list *domains = NULL;
    int holds = mtasts_default_host_store_domains(host, &domains) == MTASTS_OK &&
                mtasts_domain_list_count(domains) == 1;
    mtasts_domain_list_free(domains);
    return holds;
}

/* Both forget the domain first, so that it is fetched. */
static int resolves_well(char *argv[])
{
    mtasts_default_host *host;
    mtasts_outcome *outcome = NULL;
    mtasts_host mine;
    int32_t removed;
    int holds;
    here();
    host = open_host(argv);
    here();
    holds = mtasts_default_host_store_remove(host, "good.example", &removed) == MTASTS_OK;
    theirs = mtasts_default_host_callbacks(host);
    mine = *theirs;
    mine.txt = txt;
    mine.https = https;
    mine.load = load;
    mine.save = save;
    holds = holds && mtasts_resolve("good.example", NULL, &mine, &outcome) == MTASTS_OK;
    here();
    holds = holds && judges_well(outcome);
    mtasts_outcome_free(outcome);
    here();
    holds = holds && is_stored(host);
    mtasts_default_host_close(host);
    here();
    return holds;
}

int main(int argc, char *argv[])
{
    if (argc != 5)
        return 2;
    do {
        state = 0;
        join(resolves_well(argv));
    } while (++wanted < state);
    printf("forked in %d states of a look-up by the default host\n", state);
    return failures || state < 10;
}
