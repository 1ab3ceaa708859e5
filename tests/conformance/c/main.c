/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reads requests and has them answered. */

#include "surface.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct request {
    const char *name;
    void (*answer)(void);
} REQUESTS[] = {
    {"record", do_record},   {"tlsrpt", do_tlsrpt},     {"report", do_report},
    {"policy", do_policy},   {"match", do_match},       {"certificate", do_certificate},
    {"lookup", do_lookup},   {"poll", do_poll},         {"txt", do_txt},
    {"https", do_https},     {"again", do_again},       {"outcome", do_outcome},
    {"postfix", do_postfix}, {"next-hop", do_next_hop}, {"stored", do_stored},
    {"verdict", do_verdict},
};

static void answer(char *line)
{
    const char *name = strtok(line, " ");
    size_t i = 0, count = sizeof REQUESTS / sizeof *REQUESTS;

    while (i < count && (name == NULL || strcmp(REQUESTS[i].name, name) != 0))
        i++;
    if (i < count)
        REQUESTS[i].answer();
    else
        printf("unsupported");
    printf("\n");
    fflush(stdout);
}

/* A line of any length without its end, in a buffer that grows; NULL at the end of the input, or of
 * memory. */
static char *read_line(char **buffer, size_t *room)
{
    size_t len = 0;
    int c;

    while ((c = getchar()) != EOF && c != '\n') {
        if (len + 2 > *room) {
            char *grown = realloc(*buffer, 2 * *room + 1024);
            if (grown == NULL)
                return NULL; /* as at the end of the input */
            *buffer = grown;
            *room = 2 * *room + 1024;
        }
        (*buffer)[len++] = (char)c;
    }
    if (c == EOF || *buffer == NULL)
        return NULL;
    (*buffer)[len] = '\0';
    return *buffer;
}

int main(void)
{
    char *buffer = NULL, *line;
    size_t room = 0;

    if (mtasts_version_check(MTASTS_VERSION_MAJOR, MTASTS_VERSION_MINOR, MTASTS_VERSION_PATCH) != 0)
        die("the library is older than its header");
    while ((line = read_line(&buffer, &room)) != NULL)
        answer(line);
    lookup_end();
    free(buffer);
    return 0;
}
