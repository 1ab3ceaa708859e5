/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What sessions came to, on its way to the TLSRPT collector (RFC 8460, R-RPT-4). */
#ifndef REPORT_H
#define REPORT_H
#include "settings.h"
#include <mtasts_host.h>
#include <stdbool.h>

/* To whom a report on `domain` goes; to be freed. NULL: nobody wants one, or it is not known. */
mtasts_tlsrpt_record *find_record(const struct settings *settings, const char *domain);

/* Tells the collector of one session. `details` may be NULL. Returns whether to go on: not where
 * the collector does not take it, which the log then says. */
bool report(const struct settings *settings, const mtasts_outcome *outcome,
            const mtasts_session *session, const mtasts_tlsrpt_record *record,
            const mtasts_tlsrpt_details *details);

#endif
