/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* For the tutorial: where the lab's servers are, by the variables that it writes into lab.env.
 * Without them the Internet is meant. An MTA has no such file. */
#ifndef LAB_H
#define LAB_H

#include <mtasts_host.h>
#include <stdlib.h>

static const char *lab_nameserver;

static void lab_options(mtasts_default_host_options *options)
{
    const char *https_port = getenv("MTASTS_LAB_HTTPS_PORT");
    lab_nameserver = getenv("MTASTS_LAB_DNS");
    if (!lab_nameserver || !https_port)
        return;
    options->nameservers = &lab_nameserver;
    options->nameserver_count = 1;
    options->ca_file = getenv("MTASTS_LAB_CA");
    options->https_port = (uint16_t)atoi(https_port);
    options->allow_non_global = 1;
}

static const char *lab_smtp_port(void)
{
    const char *port = getenv("MTASTS_LAB_SMTP_PORT");
    return port ? port : "25";
}

#endif
