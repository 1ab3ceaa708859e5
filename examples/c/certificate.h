/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CERTIFICATE_H
#define CERTIFICATE_H

#include <mtasts_host.h>
#include <openssl/ssl.h>

/* Has the chain that an MX host showed checked for the name in the MX record: MTASTS_CERTIFICATE_*.
 * OpenSSL could do that during the handshake, but it is for the policy to say whether the
 * certificate matters. */
int32_t check_certificate(mtasts_default_host *host, SSL *ssl, const char *mx);

#endif
