/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One FastCGI request as bytes: what a web server sends for it. Knows the encoding alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What is asked. All strings are borrowed. */
struct request_words {
    const char *method, *path;
    const char *body;          /**< NULL: none */
    const char *content_type;  /**< of the body */
    const char *const *params; /**< NAME=VALUE; they come after our own, and so replace them */
    size_t params_count;
    bool is_kept; /**< the connection shall stay open */
};

struct request {
    uint8_t *bytes;
    size_t size;
    size_t *ids; /**< where the headers of its records are, whose ids are to be filled in */
    size_t ids_count;
};

/** @return the request, or NULL with errno ENOMEM, or E2BIG when the parameters don't fit into one
 *          record; request_free() gives it back */
struct request *request_new(const struct request_words *words);
void request_free(struct request *request);
