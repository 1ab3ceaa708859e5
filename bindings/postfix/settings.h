/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The table's configuration file: lines of `name = value`, as README.md lists them. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <dict.h>
#include <vstring.h>

/* The names in the file. Numbers are what mtasts.h and mtasts_host.h take; texts are NULL unless
 * they are set. */
typedef struct SETTINGS {
    char *store;
    char *local_policies;
    char *nameservers;
    char *ca_file;
    int https_port;
    int allow_non_global;
    int dane;
    int enforce_percent;
    int defer_on_dns_failure;
    int postfix;
    int smtp_tls_security_level;
    DICT_OWNER owner; /* whose the file is */
} SETTINGS;

/* Reads the file. Returns 0; or -1, and `trouble` says what is wrong with which line. In both cases
 * the settings are to be freed. A line that is none at all ends the process, as it does with
 * every file that Postfix reads. */
extern int settings_read(SETTINGS *, const char *path, VSTRING *trouble);

extern void settings_free(SETTINGS *);

#endif
