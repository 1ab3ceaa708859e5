/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The barest server that can answer Postfix's socketmap queries (socketmap_table(5)): the same
 * answer to all of them. One thread, epoll, level-triggered; what a connection has sent is read by
 * one call and answered by one. Another server can hardly cost less, and is measured against it.
 *
 *     echo PORT|PATH REPLY
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define QUERY_MAX 1024
#define REPLIES_MAX 64
#define EVENTS_MAX 256

/* What of a query has come, by connection; allocated when it comes. */
struct client {
    size_t len;
    char buffer[QUERY_MAX];
};

static struct client **clients;
static size_t clients_len;

static char replies[REPLIES_MAX * QUERY_MAX];
static size_t reply_len;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* The octets of the netstring that the buffer begins with; 0: not all is there; -1: it is none. */
static long netstring(const char *buffer, size_t len)
{
    size_t digits = 0, size = 0;
    while (digits < len && buffer[digits] >= '0' && buffer[digits] <= '9') {
        size = size * 10 + (size_t)(buffer[digits++] - '0');
        if (size > QUERY_MAX - 6)
            return -1;
    }
    if (digits == len)
        return 0;
    if (digits == 0 || buffer[digits] != ':')
        return -1;
    size += digits + 2;
    if (size > len)
        return 0;
    return buffer[size - 1] == ',' ? (long)size : -1;
}

/* Takes the whole queries out of the buffer; how many, or -1. */
static int queries(struct client *client)
{
    size_t begin = 0;
    long size;
    int count = 0;
    while (count < REPLIES_MAX && begin < client->len) {
        size = netstring(client->buffer + begin, client->len - begin);
        if (size < 0)
            return -1;
        if (size == 0)
            break;
        begin += (size_t)size;
        count++;
    }
    client->len -= begin;
    if (client->len > 0 && begin > 0)
        memmove(client->buffer, client->buffer + begin, client->len);
    return count;
}

/* Answers what there is. A client that does not take its answers is as bad as one that goes. */
static int answer(int fd, struct client *client)
{
    ssize_t got = recv(fd, client->buffer + client->len, sizeof client->buffer - client->len, 0);
    size_t size;
    int count;
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    client->len += (size_t)got;
    while ((count = queries(client)) > 0) {
        size = (size_t)count * reply_len;
        if (send(fd, replies, size, MSG_NOSIGNAL) != (ssize_t)size)
            return 0;
    }
    return count == 0;
}

static void drop(int fd)
{
    free(clients[fd]);
    clients[fd] = NULL;
    close(fd);
}

static void take(int epoll, int listener)
{
    struct epoll_event event = {0};
    int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if ((size_t)fd >= clients_len || !(clients[fd] = malloc(sizeof **clients))) {
        close(fd);
        return;
    }
    clients[fd]->len = 0;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* fails on a Unix socket */
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        drop(fd);
}

static int listen_tcp(int port)
{
    struct sockaddr_in address = {0};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("bind");
    return fd;
}

static int listen_unix(const char *path)
{
    struct sockaddr_un address = {0};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    address.sun_family = AF_UNIX;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
        die(path);
    return fd;
}

/* As many answers as there may be queries in one read, one behind the other. */
static void prepare(const char *reply)
{
    struct rlimit limit;
    int i;
    reply_len = (size_t)snprintf(replies, QUERY_MAX, "%zu:%s,", strlen(reply), reply);
    if (reply_len >= QUERY_MAX)
        die("reply");
    for (i = 1; i < REPLIES_MAX; i++)
        memcpy(replies + (size_t)i * reply_len, replies, reply_len);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("getrlimit");
    clients_len = (size_t)limit.rlim_cur;
    clients = calloc(clients_len, sizeof *clients);
    if (!clients)
        die("calloc");
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS_MAX], event = {0};
    int epoll, listener, count, i;
    if (argc != 3)
        return fputs("usage: echo PORT|PATH REPLY\n", stderr), 2;
    prepare(argv[2]);
    listener = strchr(argv[1], '/') ? listen_unix(argv[1]) : listen_tcp(atoi(argv[1]));
    epoll = epoll_create1(EPOLL_CLOEXEC);
    event.events = EPOLLIN;
    event.data.fd = listener;
    if (listen(listener, 1024) != 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0)
        die("listen");
    while ((count = epoll_wait(epoll, events, EVENTS_MAX, -1)) >= 0 || errno == EINTR)
        for (i = 0; i < count; i++)
            if (events[i].data.fd == listener)
                take(epoll, listener);
            else if (!answer(events[i].data.fd, clients[events[i].data.fd]))
                drop(events[i].data.fd);
    die("epoll_wait");
}
