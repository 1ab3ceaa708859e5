/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Exim routes as root. What comes from the network, and what Exim's user may write, is not root's
 * affair. */
#ifndef USER_H
#define USER_H
#include <sys/types.h>

/* A process of root is this user from now on, until `be_root_again`. Any other stays what it is. */
void be_user(uid_t uid, gid_t gid);

/* Does nothing where `be_user` did not. */
void be_root_again(void);

/* There is no way back: for a process of its own. Does nothing where `be_user` did not. */
void stay_user(void);

#endif
