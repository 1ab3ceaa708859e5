/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "certificate.h"

enum { CHAIN = 16 };

int32_t check_certificate(mtasts_default_host *host, SSL *ssl, const char *mx)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    int32_t certificate = MTASTS_CERTIFICATE_UNCHECKED;
    mtasts_der ders[CHAIN];
    int count = 0;
    for (; count < sk_X509_num(chain) && count < CHAIN; count++) {
        unsigned char *octets = NULL;
        int len = i2d_X509(sk_X509_value(chain, count), &octets);
        if (len < 0)
            break;
        ders[count].data = octets;
        ders[count].len = (size_t)len;
    }
    mtasts_default_host_verify(host, ders, (size_t)count, mx, &certificate);
    while (count-- > 0)
        OPENSSL_free((void *)ders[count].data);
    return certificate;
}
