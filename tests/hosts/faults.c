/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Preloaded into Exim: a libmtasts with a fault, the kind of which is in /etc/mtasts-fault. A line
 * in /run/faults says that it was met, and by which user.
 * With REPORTS defined only TLS reports have it.
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <mtasts.h>
#include <mtasts_host.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void note(const char *kind)
{
    char line[64];
    int file = open("/run/faults", O_WRONLY | O_APPEND);
    int len = snprintf(line, sizeof line, "%s %lu\n", kind, (unsigned long)geteuid());
    if (write(file, line, (size_t)len) < 0)
        _exit(70);
    close(file);
}

static int32_t fail(void)
{
    char kind[32] = "";
    int file = open("/etc/mtasts-fault", O_RDONLY);
    if (read(file, kind, sizeof kind - 1) < 0)
        _exit(70);
    close(file);
    note(kind);
    if (strcmp(kind, "abort") == 0)
        abort();
    if (strcmp(kind, "crash") == 0)
        raise(SIGSEGV);
    if (strcmp(kind, "exit") == 0)
        exit(0);
    return MTASTS_E_INTERNAL; /* as after a panic */
}

#ifdef REPORTS
int32_t mtasts_default_host_tlsrpt_record(const mtasts_default_host *host, const char *domain,
                                          mtasts_tlsrpt_record **out)
{
    (void)host;
    (void)domain;
    (void)out;
    return fail();
}
#else
int32_t mtasts_resolve(const char *domain, const mtasts_config *config, const mtasts_host *host,
                       mtasts_outcome **out)
{
    (void)domain;
    (void)config;
    (void)host;
    (void)out;
    return fail();
}
#endif
