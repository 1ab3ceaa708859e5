/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the administrator sets; README.md lists it. Its names are those of mtasts_host.h. */
#define _POSIX_C_SOURCE 200809L
#define DLFUNC_IMPL
#include "settings.h"
#include "text.h"
#include "user.h"
#include <local_scan.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct settings opened;
static bool is_quiet;

static void log_line(void *user, int32_t level, const char *message)
{
    (void)user;
    if (level <= MTASTS_LOG_WARNING && !is_quiet)
        log_write(0, LOG_MAIN, "mtasts: %s", message);
    else if (debug_selector)
        debug_printf("mtasts: %s\n", message);
}

/* A whole number from 1 to `most`, or 0 for anything else. */
static unsigned long number(const char *value, unsigned long most)
{
    char *end;
    unsigned long result = strtoul(value, &end, 10);
    bool is_number = *value >= '0' && *value <= '9' && *end == '\0';
    return is_number && result <= most ? result : 0;
}

static bool set_flag(int32_t *flag, const char *value)
{
    *flag = strcmp(value, "yes") == 0;
    return *flag || strcmp(value, "no") == 0;
}

static bool set_seconds(uint32_t *milliseconds, const char *value)
{
    *milliseconds = (uint32_t)number(value, 3600) * 1000;
    return *milliseconds > 0;
}

/* "UID:GID" */
static bool set_user(const char *value)
{
    char *end;
    opened.uid = (uid_t)strtoul(value, &end, 10);
    opened.gid = *end == ':' ? (gid_t)number(end + 1, UINT32_MAX) : 0;
    return opened.uid > 0 && opened.gid > 0;
}

static bool set_path(const char **path, const char *value)
{
    *path = value;
    return *value == '/';
}

/* Sets one `name=value`. Returns whether it is an option. */
static bool set_option(const char *name, const char *value)
{
    mtasts_default_host_options *options = &opened.options;
    if (strcmp(name, "store") == 0)
        return set_path(&options->store, value);
    if (strcmp(name, "local_policies") == 0)
        return set_path(&options->local_policies, value);
    if (strcmp(name, "ca_file") == 0)
        return set_path(&options->ca_file, value);
    if (strcmp(name, "tlsrpt_socket") == 0)
        return set_path(&options->tlsrpt_socket, value);
    if (strcmp(name, "user") == 0)
        return set_user(value);
    if (strcmp(name, "dane") == 0)
        return set_flag(&options->dane, value);
    if (strcmp(name, "defer_on_dns_failure") == 0)
        return set_flag(&opened.config.defer_on_dns_failure, value);
    if (strcmp(name, "dns_timeout") == 0)
        return set_seconds(&options->dns_timeout_ms, value);
    if (strcmp(name, "connect_timeout") == 0)
        return set_seconds(&options->connect_timeout_ms, value);
    if (strcmp(name, "fetch_timeout") == 0)
        return set_seconds(&opened.config.fetch_timeout_ms, value);
    if (strcmp(name, "allow_non_global") == 0)
        return set_flag(&options->allow_non_global, value);
    if (strcmp(name, "https_port") == 0)
        return (options->https_port = (uint16_t)number(value, 65535)) > 0;
    if (strcmp(name, "nameserver") != 0 ||
        options->nameserver_count >= sizeof opened.nameservers / sizeof *opened.nameservers)
        return false;
    opened.nameservers[options->nameserver_count++] = value;
    return true;
}

/* Reads OPTIONS. Returns the word that is none of them, or NULL. */
static const char *read_options(void)
{
    char *rest = opened.split, *word;
    while ((word = strtok_r(rest, " \t\r\n", &rest))) {
        char *value = strchr(word, '=');
        if (!value)
            return word;
        *value = '\0';
        if (!set_option(word, value + 1)) {
            *value = '=';
            return word;
        }
    }
    return NULL;
}

static void close_settings(void)
{
    mtasts_default_host_close(opened.host);
    free(opened.words);
    free(opened.split);
    memset(&opened, 0, sizeof opened);
}

static void open_anew(const char *words, char *error, size_t error_size)
{
    const char *wrong = NULL;
    opened.options.size = sizeof opened.options;
    opened.options.nameservers = opened.nameservers;
    opened.options.log = log_line;
    opened.config.size = sizeof opened.config;
    opened.words = strdup(words);
    opened.split = strdup(words);
    if (!opened.words || !opened.split) {
        snprintf(error, error_size, "out of memory");
    } else if (mtasts_version_check(MTASTS_VERSION_MAJOR, MTASTS_VERSION_MINOR,
                                    MTASTS_VERSION_PATCH)) {
        snprintf(error, error_size, "libmtasts %s is too old for this module", mtasts_version());
    } else if ((wrong = read_options())) {
        snprintf(error, error_size, "not an option of mtasts: %s", wrong);
    } else {
        be_user(opened.uid, opened.gid);
        mtasts_default_host_open(&opened.options, &opened.host, error, error_size);
    }
}

const struct settings *open_settings(const char *words, char *error, size_t error_size)
{
    if (opened.host && strcmp(opened.words, words) == 0) {
        be_user(opened.uid, opened.gid);
        return &opened;
    }
    close_settings();
    open_anew(words, error, error_size);
    if (!opened.host)
        close_settings();
    return opened.host ? &opened : NULL;
}

const struct settings *open_settings_of(int argc, char *argv[], char *error, size_t error_size)
{
    const struct settings *settings = NULL;
    struct text words = {0};
    add(&words, "");
    for (int i = 0; i < argc; i++) {
        add(&words, argv[i]);
        add(&words, " ");
    }
    if (words.failed)
        snprintf(error, error_size, "out of memory");
    else
        settings = open_settings(words.data, error, error_size);
    free(words.data);
    return settings;
}

void be_quiet(void)
{
    is_quiet = true;
}
