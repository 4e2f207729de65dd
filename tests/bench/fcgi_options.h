/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of fcgi_load's command line. Whoever writes a wrong one is told, and the program ends.
 */
#pragma once

#include "fcgi_request.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/** More parameters than any request needs. */
#define PARAMS_MAX 64

/** What was asked for. */
struct options {
    unsigned connections, streams;
    double seconds, timeout;
    uint64_t requests; /**< 0: no bound */
    bool is_kept, is_json;
    int status;
    const char *expected_body; /**< NULL: any */
    struct request_words words;
    const char *params[PARAMS_MAX];
    struct sockaddr_storage address;
    socklen_t address_size;
};

/** Read all words; returns only when they make sense. Strings point into argv. */
void options_parse(struct options *options, int argc, char **argv);

/** Say what is wrong, and end with status 2. */
_Noreturn void options_refuse(const char *what, const char *value);
