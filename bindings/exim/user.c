/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Exim routes as root. What comes from the network, and what Exim's user may write, is not root's
 * affair. */
#define _DEFAULT_SOURCE /* setgroups */
#define DLFUNC_IMPL
#include "user.h"
#include <grp.h>
#include <local_scan.h>
#include <stdbool.h>
#include <unistd.h>

static bool is_user;
static gid_t before;

void be_user(uid_t uid, gid_t gid)
{
    if (is_user || uid == 0 || geteuid() != 0)
        return;
    before = getegid();
    is_user = setegid(gid) == 0 && seteuid(uid) == 0;
}

void be_root_again(void)
{
    if (is_user && (seteuid(0) != 0 || setegid(before) != 0)) {
        log_write(0, LOG_MAIN | LOG_PANIC, "mtasts: cannot be root again");
        _exit(1); /* the message stays in the queue */
    }
    is_user = false;
}

void stay_user(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (is_user &&
        (seteuid(0) != 0 || setgroups(1, &gid) != 0 || setgid(gid) != 0 || setuid(uid) != 0))
        _exit(1);
    is_user = false;
}
