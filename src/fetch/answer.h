/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An answer while it comes in: status, header fields, body, each within its bounds. Knows neither
 * libcurl nor processes.
 */
#ifndef KT_ANSWER_H
#define KT_ANSWER_H

#include <kontor/http.h>

/** What a public answer is the beginning of. */
struct kt_answer {
    struct kt_http_answer seen; /**< what the caller sees; complete after kt_answer_finish */
    size_t size_max;            /**< of the body */
    int failure;                /**< 0, or why it was refused: -EPROTO, -EMSGSIZE, -ENOMEM */
    bool is_head_over;          /**< fields after the body ("trailers") are not taken */
    size_t head_seen;           /**< bytes of all heads, interim ones included */
    unsigned field_count;
    char *fields; /**< name NUL value NUL name NUL … */
    size_t fields_size;
    char *body;
    size_t body_capacity; /**< with room for the NUL */
};

/** An answer of which nothing is there. @return owned by the context; NULL: no memory */
struct kt_answer *kt_answer_new(TALLOC_CTX *context, size_t size_max);

/** Take a line of a head: a status line, a field, or the empty line at its end. @return 0 or
 * `failure` */
int kt_answer_head(struct kt_answer *answer, const char *line, size_t size);

/** Take a part of the body. @return 0 or `failure` */
int kt_answer_body(struct kt_answer *answer, const char *data, size_t size);

/** All is there. @return 0, -ENOMEM */
int kt_answer_finish(struct kt_answer *answer, int status, const char *url);

#endif
