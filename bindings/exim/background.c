/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Work that no delivery waits for, nor fails by: in a process that nobody waits for. */
#define _POSIX_C_SOURCE 200809L
#include "background.h"
#include "user.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long one of these processes may take, and how many of them one process of Exim starts. */
enum { SECONDS = 60, MOST = 16 };

static bool is_a_connection(int fd)
{
    struct stat facts;
    return fstat(fd, &facts) == 0 && (S_ISSOCK(facts.st_mode) || S_ISFIFO(facts.st_mode));
}

/* Lets go of Exim's connections and pipes, whose other ends may wait for the last copy to be
 * closed. Their numbers stay taken: Exim's log and the policy store have descriptors of their own,
 * and must not meet something else there. */
static void leave_connections(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    DIR *all = opendir("/proc/self/fd");
    const struct dirent *one;
    while (all && null >= 0 && (one = readdir(all))) {
        int fd = atoi(one->d_name);
        if (is_a_connection(fd))
            dup2(null, fd);
    }
    if (all)
        closedir(all);
}

bool in_background(void)
{
    static int started;
    pid_t child = started++ < MOST ? fork() : -1;
    if (child != 0) {
        while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
        return false;
    }
    if (fork() != 0) /* the grandchild is no child of Exim's, which would wait for it */
        _exit(0);
    signal(SIGALRM, SIG_DFL);
    alarm(SECONDS);
    leave_connections();
    stay_user();
    return true;
}
