/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The client's side of one SMTP connection (RFC 5321), with STARTTLS (RFC 3207) and time limits. */
#ifndef SMTP_H
#define SMTP_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

struct smtp {
    int fd;
    SSL *ssl;     /* NULL without TLS */
    int patience; /* seconds for a connection, and for a reply */
    time_t deadline;
    bool usable;          /* nothing has gone wrong with the connection */
    bool starttls;        /* a line of the last reply was STARTTLS */
    char own_address[64]; /* where the connection comes from */
    char reply[512];      /* the last line of the last reply, visible ASCII */
    char in[4096];
    size_t start, end; /* what of `in` has yet to be read */
};

enum smtp_tls { SMTP_TLS_REFUSED, SMTP_TLS_FAILED, SMTP_TLS_ESTABLISHED };

/* A message as it goes over the wire, final dot included. Free `data`. */
struct smtp_message {
    char *data;
    size_t len;
};

/* Each function that returns an int returns the code of the server's reply, or 0 if none came. */

/* Connects to an address and reads the greeting. Whatever it returns, close by smtp_close. */
int smtp_open(struct smtp *smtp, const char *address, const char *port, int patience);

/* Sends the command made of three parts, of which some may be "", and reads the reply. */
int smtp_command(struct smtp *smtp, const char *verb, const char *argument, const char *end);

int smtp_hello(struct smtp *smtp, const char *own_name);

/* What TLS sessions with MX hosts begin with: TLS 1.2 or later; NULL without memory. Free it
 * by SSL_CTX_free. */
SSL_CTX *smtp_tls(void);

/* Sends STARTTLS and makes a TLS session. The certificate is the caller's to check. After
 * SMTP_TLS_FAILED the connection is of no use any more. */
enum smtp_tls smtp_start_tls(struct smtp *smtp, SSL_CTX *tls, const char *server_name);

/* Sends DATA and the message. */
int smtp_data(struct smtp *smtp, const struct smtp_message *message);

/* Sends a message to one recipient. */
int smtp_send(struct smtp *smtp, const char *from, const char *to,
              const struct smtp_message *message);

/* Says goodbye if there is somebody to hear it. */
void smtp_close(struct smtp *smtp);

/* Reads a message, whose lines may end in LF, CR or CRLF. Returns false without memory. */
bool smtp_read_message(struct smtp_message *message, FILE *file);

#endif
