/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the administrator sets, as `name=value name=value`, and the host that is opened with it. */
#ifndef SETTINGS_H
#define SETTINGS_H
#include <mtasts_host.h>
#include <stddef.h>
#include <sys/types.h>

struct settings {
    char *words, *split; /* as given, and in pieces */
    const char *nameservers[8];
    mtasts_default_host_options options;
    mtasts_config config;
    uid_t uid; /* who a process of root is while it works; 0: root */
    gid_t gid;
    mtasts_default_host *host;
};

/* The host for these words. It stays open, and is this process's only one: a configuration says
 * the same for every domain. NULL: `error` says in a line what the administrator has to mend.
 * With an option `user` the process is that one afterwards (user.h). */
const struct settings *open_settings(const char *words, char *error, size_t error_size);

/* The same for words in several arguments. */
const struct settings *open_settings_of(int argc, char *argv[], char *error, size_t error_size);

/* From now on the library's warnings are for debugging only. */
void be_quiet(void);

#endif
