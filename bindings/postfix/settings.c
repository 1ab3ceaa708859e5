/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Reads the table's configuration file by Postfix's own parser. What it does not know is an error:
 * a name that is spelt wrong must not leave mail unprotected.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys_defs.h>

#include <cfg_parser.h>
#include <mail_version.h>
#include <mymalloc.h>

#include "settings.h"

/* The number of a word is its place. Those of Postfix's versions and levels are MTASTS_POSTFIX_*.
 */
static const char *const yes_no[] = {"no", "yes", 0};
static const char *const versions[] = {"3.0", "3.4", "3.10", 0};
static const char *const levels[] = {"none", "may", "encrypt", 0};

/* A value is one of `words`, or a number from 0 to `max`, or else a text. */
struct key {
    const char *name;
    size_t offset;
    const char *const *words;
    int max;
};

static const struct key keys[] = {
    {"store", offsetof(SETTINGS, store), 0, 0},
    {"local_policies", offsetof(SETTINGS, local_policies), 0, 0},
    {"nameservers", offsetof(SETTINGS, nameservers), 0, 0},
    {"ca_file", offsetof(SETTINGS, ca_file), 0, 0},
    {"https_port", offsetof(SETTINGS, https_port), 0, 65535},
    {"allow_non_global", offsetof(SETTINGS, allow_non_global), yes_no, 0},
    {"dane", offsetof(SETTINGS, dane), yes_no, 0},
    {"enforce_percent", offsetof(SETTINGS, enforce_percent), 0, 100},
    {"defer_on_dns_failure", offsetof(SETTINGS, defer_on_dns_failure), yes_no, 0},
    {"postfix", offsetof(SETTINGS, postfix), versions, 0},
    {"smtp_tls_security_level", offsetof(SETTINGS, smtp_tls_security_level), levels, 0},
};

enum { KEYS = sizeof keys / sizeof *keys };

static int read_all(SETTINGS *, const char *path, VSTRING *trouble);
static int read_value(SETTINGS *, const struct key *, const char *value);
static int number_of(const struct key *, const char *value);
static int running_version(void);

int settings_read(SETTINGS *settings, const char *path, VSTRING *trouble)
{
    CFG_PARSER *parser;
    int status;

    memset(settings, 0, sizeof *settings);
    settings->enforce_percent = 100;
    settings->postfix = running_version();
    if (*path != '/') {
        vstring_sprintf(trouble, "%s: not the full path of a configuration file", path);
        return -1;
    }
    if ((parser = cfg_parser_alloc(path)) == 0) {
        vstring_sprintf(trouble, "%s: %s", path, strerror(errno));
        return -1;
    }
    settings->owner = cfg_get_owner(parser);
    status = read_all(settings, path, trouble);
    cfg_parser_free(parser);
    if (status == 0 && settings->store == 0) {
        vstring_sprintf(trouble, "%s: `store` is missing", path);
        return -1;
    }
    return status;
}

void settings_free(SETTINGS *settings)
{
    char *texts[] = {settings->store, settings->local_policies, settings->nameservers,
                     settings->ca_file};

    for (size_t n = 0; n < sizeof texts / sizeof *texts; n++)
        if (texts[n])
            myfree(texts[n]);
}

/* The parser has put the lines into a dictionary of the file's name. */
static int read_all(SETTINGS *settings, const char *path, VSTRING *trouble)
{
    const char *name;
    const char *value;

    for (int first = DICT_SEQ_FUN_FIRST; dict_sequence(path, first, &name, &value) == 0;
         first = DICT_SEQ_FUN_NEXT) {
        size_t n = 0;

        while (n < KEYS && strcmp(keys[n].name, name) != 0)
            n++;
        if (n == KEYS) {
            vstring_sprintf(trouble, "%s: there is no setting `%s`", path, name);
            return -1;
        }
        if (read_value(settings, keys + n, value) != 0) {
            vstring_sprintf(trouble, "%s: bad value: %s = %s", path, name, value);
            return -1;
        }
    }
    return 0;
}

static int read_value(SETTINGS *settings, const struct key *key, const char *value)
{
    char *place = (char *)settings + key->offset;

    if (key->words || key->max) {
        int number = number_of(key, value);

        memcpy(place, &number, sizeof number);
        return number < 0 ? -1 : 0;
    }
    if (*value) {
        char *text = mystrdup(value);

        memcpy(place, &text, sizeof text);
    }
    return *value ? 0 : -1;
}

/* The number that the value stands for; -1 if none. */
static int number_of(const struct key *key, const char *value)
{
    char *end;
    long number;

    if (key->words) {
        for (int n = 0; key->words[n]; n++)
            if (strcmp(key->words[n], value) == 0)
                return n;
        return -1;
    }
    if (*value < '0' || *value > '9')
        return -1;
    number = strtol(value, &end, 10);
    return *end || number > key->max ? -1 : (int)number;
}

/* What the Postfix understands that has loaded the table, as one of `versions`. */
static int running_version(void)
{
    int major = 0;
    int minor = 0;

    sscanf(var_mail_version, "%d.%d", &major, &minor);
    if (major > 3 || (major == 3 && minor >= 10))
        return 2;
    return major == 3 && minor >= 4 ? 1 : 0;
}
