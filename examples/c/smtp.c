/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The client's side of one SMTP connection. Sockets do not block: every wait is a poll that ends
 * at the deadline, so that a server which trickles octets holds nobody for long.
 */
#define _POSIX_C_SOURCE 200809L
#include "smtp.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 16384 };

static time_t now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

static bool wait_for(const struct smtp *smtp, short event)
{
    struct pollfd pollfd = {.fd = smtp->fd, .events = event};
    time_t left = smtp->deadline - now();
    if (left > 0 && poll(&pollfd, 1, (int)left * 1000) > 0)
        return true;
    errno = ETIMEDOUT;
    return false;
}

/* Whether to repeat the call of OpenSSL that returned `result`. */
static bool wait_for_tls(const struct smtp *smtp, int result)
{
    switch (SSL_get_error(smtp->ssl, result)) {
    case SSL_ERROR_WANT_READ: return wait_for(smtp, POLLIN);
    case SSL_ERROR_WANT_WRITE: return wait_for(smtp, POLLOUT);
    default: return false;
    }
}

static bool fill(struct smtp *smtp)
{
    int len;
    if (smtp->ssl)
        do
            len = SSL_read(smtp->ssl, smtp->in, sizeof smtp->in);
        while (len <= 0 && wait_for_tls(smtp, len));
    else
        do
            len = (int)recv(smtp->fd, smtp->in, sizeof smtp->in, 0);
        while (len < 0 && errno == EAGAIN && wait_for(smtp, POLLIN));
    smtp->start = 0;
    smtp->end = len > 0 ? (size_t)len : 0;
    return len > 0 && now() <= smtp->deadline;
}

/* Writes everything, as long as some of it goes out in time. */
static bool put(struct smtp *smtp, const char *data, size_t len)
{
    while (len > 0) {
        int chunk = len < CHUNK ? (int)len : CHUNK, done;
        smtp->deadline = now() + smtp->patience;
        if (smtp->ssl)
            do
                done = SSL_write(smtp->ssl, data, chunk);
            while (done <= 0 && wait_for_tls(smtp, done));
        else
            do
                done = (int)send(smtp->fd, data, (size_t)chunk, 0);
            while (done < 0 && errno == EAGAIN && wait_for(smtp, POLLOUT));
        if (done <= 0)
            return false;
        data += done;
        len -= (size_t)done;
    }
    return true;
}

/* The line is for logs and terminals too, so nothing invisible stays in it. */
static bool get_line(struct smtp *smtp)
{
    size_t len = 0;
    for (;;) {
        char c;
        if (smtp->start == smtp->end && !fill(smtp))
            return false;
        c = smtp->in[smtp->start++];
        if (c == '\n')
            break;
        if (c != '\r' && len < sizeof smtp->reply - 1)
            smtp->reply[len++] = c >= ' ' && c <= '~' ? c : '?';
    }
    smtp->reply[len] = '\0';
    return true;
}

static int give_up(struct smtp *smtp, const char *why)
{
    snprintf(smtp->reply, sizeof smtp->reply, "%s", why);
    smtp->usable = false;
    return 0;
}

static int get_reply(struct smtp *smtp)
{
    smtp->starttls = false;
    smtp->deadline = now() + smtp->patience;
    do {
        if (!get_line(smtp) || strspn(smtp->reply, "0123456789") != 3)
            return give_up(smtp, "no reply");
        if (smtp->reply[3] && strncasecmp(smtp->reply + 4, "STARTTLS", 8) == 0 &&
            strspn(smtp->reply + 12, " \t") == strlen(smtp->reply + 12))
            smtp->starttls = true;
    } while (smtp->reply[3] == '-');
    return atoi(smtp->reply);
}

/* Returns 0 or an errno. */
static int connect_to(struct smtp *smtp, const struct addrinfo *info)
{
    int error = 0;
    socklen_t len = sizeof error;
    smtp->deadline = now() + smtp->patience;
    smtp->fd = socket(info->ai_family, info->ai_socktype, info->ai_protocol);
    if (smtp->fd < 0 || fcntl(smtp->fd, F_SETFL, O_NONBLOCK) != 0)
        return errno;
    if (connect(smtp->fd, info->ai_addr, info->ai_addrlen) != 0 && errno != EINPROGRESS)
        return errno;
    if (!wait_for(smtp, POLLOUT) || getsockopt(smtp->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return errno;
    return error;
}

static void find_own_address(struct smtp *smtp)
{
    struct sockaddr_storage own;
    socklen_t len = sizeof own;
    if (getsockname(smtp->fd, (struct sockaddr *)&own, &len) == 0)
        getnameinfo((struct sockaddr *)&own, len, smtp->own_address, sizeof smtp->own_address, NULL,
                    0, NI_NUMERICHOST);
}

int smtp_open(struct smtp *smtp, const char *address, const char *port, int patience)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *info;
    int error;
    memset(smtp, 0, sizeof *smtp);
    smtp->fd = -1;
    smtp->patience = patience;
    if (getaddrinfo(address, port, &hints, &info) != 0)
        return give_up(smtp, "no address");
    error = connect_to(smtp, info);
    freeaddrinfo(info);
    if (error != 0)
        return give_up(smtp, strerror(error));
    find_own_address(smtp);
    smtp->usable = true;
    return get_reply(smtp);
}

int smtp_command(struct smtp *smtp, const char *verb, const char *argument, const char *end)
{
    char line[2048];
    int len = snprintf(line, sizeof line, "%s%s%s\r\n", verb, argument, end);
    if (len < 0 || len >= (int)sizeof line || !put(smtp, line, (size_t)len))
        return give_up(smtp, "connection lost");
    return get_reply(smtp);
}

int smtp_hello(struct smtp *smtp, const char *own_name)
{
    int code = smtp_command(smtp, "EHLO ", own_name, "");
    return code / 100 == 5 ? smtp_command(smtp, "HELO ", own_name, "") : code;
}

SSL_CTX *smtp_tls(void)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (!tls || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION))
        return tls;
    SSL_CTX_free(tls);
    return NULL;
}

enum smtp_tls smtp_start_tls(struct smtp *smtp, SSL_CTX *tls, const char *server_name)
{
    int code = smtp_command(smtp, "STARTTLS", "", ""), result;
    if (code != 0 && code != 220)
        return SMTP_TLS_REFUSED;
    smtp->usable = false;
    /* What has come behind the reply is not protected: anybody may have written it. */
    if (code == 0 || smtp->start != smtp->end)
        return SMTP_TLS_FAILED;
    ERR_clear_error();
    smtp->ssl = SSL_new(tls);
    if (!smtp->ssl || !SSL_set_fd(smtp->ssl, smtp->fd) ||
        (server_name[0] != '[' && !SSL_set_tlsext_host_name(smtp->ssl, server_name)))
        return SMTP_TLS_FAILED;
    smtp->deadline = now() + smtp->patience;
    while ((result = SSL_connect(smtp->ssl)) != 1)
        if (!wait_for_tls(smtp, result))
            return SMTP_TLS_FAILED;
    smtp->usable = true;
    return SMTP_TLS_ESTABLISHED;
}

int smtp_data(struct smtp *smtp, const struct smtp_message *message)
{
    int code = smtp_command(smtp, "DATA", "", "");
    if (code != 354)
        return code / 100 == 2 ? give_up(smtp, "nonsense in reply to DATA") : code;
    if (!put(smtp, message->data, message->len))
        return give_up(smtp, "connection lost");
    return get_reply(smtp);
}

int smtp_send(struct smtp *smtp, const char *from, const char *to,
              const struct smtp_message *message)
{
    int code = smtp_command(smtp, "MAIL FROM:<", from, ">");
    if (code == 250)
        code = smtp_command(smtp, "RCPT TO:<", to, ">");
    return code == 250 ? smtp_data(smtp, message) : code;
}

void smtp_close(struct smtp *smtp)
{
    if (smtp->usable)
        smtp_command(smtp, "QUIT", "", "");
    if (smtp->usable && smtp->ssl)
        SSL_shutdown(smtp->ssl);
    SSL_free(smtp->ssl);
    if (smtp->fd >= 0)
        close(smtp->fd);
}

/* Makes room for a few more octets. */
static bool grow(struct smtp_message *message, size_t *room)
{
    char *data = message->data;
    if (message->len + 8 <= *room)
        return true;
    *room = *room * 2 + CHUNK;
    data = realloc(data, *room);
    if (data != NULL)
        message->data = data;
    return data != NULL;
}

bool smtp_read_message(struct smtp_message *message, FILE *file)
{
    size_t room = 0;
    bool fresh = true; /* a line begins here */
    message->data = NULL;
    message->len = 0;
    for (int c, last = 0; grow(message, &room); last = c) {
        c = getc(file);
        if (c == '\n' && last == '\r')
            continue; /* that line has its end */
        if (c == EOF) {
            message->len +=
                (size_t)sprintf(message->data + message->len, "%s.\r\n", fresh ? "" : "\r\n");
            return !ferror(file);
        }
        if (fresh && c == '.')
            message->data[message->len++] = '.';
        fresh = c == '\n' || c == '\r';
        if (fresh)
            message->data[message->len++] = '\r';
        message->data[message->len++] = fresh ? '\n' : (char)c;
    }
    return false;
}
