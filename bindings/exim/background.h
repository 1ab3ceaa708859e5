/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Work that no delivery waits for, nor fails by. */
#ifndef BACKGROUND_H
#define BACKGROUND_H
#include <stdbool.h>

/* Goes on twice: with false here, at once, and with true in a process of its own, which must end by
 * `_exit` and is ended after a minute. Whatever happens there is nothing to the delivery. It shares
 * no socket and no pipe with Exim, nor the rights of root (user.h); lines may be written to Exim's
 * log. After sixteen times in one process there are no more: a message to a thousand domains starts
 * no thousand processes. */
bool in_background(void);

#endif
