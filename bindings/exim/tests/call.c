/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * call: calls a function of mtasts_exim.so as Exim does, for valgrind, which cannot follow Exim's
 * own memory.
 *
 *     call MODULE FUNCTION [-f] [-n TIMES] ARGUMENT... [next ARGUMENT...]...
 *
 * prints the status and the text. With -f the last call is made in a child. The argument "next"
 * begins the arguments of another call.
 */
#define _POSIX_C_SOURCE 200809L
#define DLFUNC_IMPL
#include <dlfcn.h>
#include <local_scan.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the module takes of Exim. */
unsigned int debug_selector;

uschar *string_copy_function(const uschar *string)
{
    return (uschar *)strdup((const char *)string);
}

void log_write(unsigned int selector, int flags, const char *format, ...)
{
    va_list arguments;
    (void)selector;
    (void)flags;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

void debug_printf(const char *format, ...)
{
    (void)format;
}

static int call_once(exim_dlfunc_t *function, int argc, char *argv[])
{
    uschar *text = NULL;
    int status = function(&text, argc, (uschar **)argv);
    printf("%d %s\n", status, text ? (char *)text : "");
    fflush(stdout);
    free(text);
    return status;
}

static int call(exim_dlfunc_t *function, int argc, char *argv[])
{
    int status = 0;
    for (int from = 0, to = 0; to <= argc; to++) {
        if (to == argc || strcmp(argv[to], "next") == 0) {
            status = call_once(function, to - from, argv + from);
            from = to + 1;
        }
    }
    return status;
}

static int in_child(exim_dlfunc_t *function, int argc, char *argv[])
{
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(call(function, argc, argv));
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int main(int argc, char *argv[])
{
    void *module = argc > 2 ? dlopen(argv[1], RTLD_LAZY) : NULL;
    void *symbol = module ? dlsym(module, argv[2]) : NULL;
    exim_dlfunc_t *function;
    int option, forks = 0, status = 0;
    long times = 1;
    if (!symbol) {
        fprintf(stderr, "call: %s\n", argc > 2 ? dlerror() : "MODULE FUNCTION ARGUMENT...");
        return 99;
    }
    memcpy(&function, &symbol, sizeof function); /* C99 has no cast for it */
    optind = 3;
    while ((option = getopt(argc, argv, "+fn:")) != -1) {
        forks |= option == 'f';
        times = option == 'n' ? atol(optarg) : times;
    }
    while (times-- > 1)
        status = call(function, argc - optind, argv + optind);
    status = (forks ? in_child : call)(function, argc - optind, argv + optind);
    return status;
}
