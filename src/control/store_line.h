/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of an exported store, each a JSON object: first {"kontor_store": 1}, then documents and
 * counters, last how many there were, by which a file shows that was cut.
 */
#ifndef KT_CONTROL_STORE_LINE_H
#define KT_CONTROL_STORE_LINE_H

#include <kontor/store.h>
#include <talloc.h>

/** The version of the format. */
#define KT_STORE_LINE_VERSION 1

enum kt_store_line_kind {
    KT_STORE_LINE_HEAD,
    KT_STORE_LINE_DOCUMENT,
    KT_STORE_LINE_COUNTER,
    KT_STORE_LINE_END,
};

struct kt_store_line {
    enum kt_store_line_kind kind;
    char name_space[KT_STORE_NAMESPACE_MAX + 1], key[KT_STORE_KEY_MAX + 1];
    const char *value; /**< of a document */
    size_t value_bytes;
    int64_t number; /**< the value of a counter; at the end, how many documents and counters */
};

/** Make the text of a line, without its end. @return owned by the context, NULL: no memory */
char *kt_store_line_write(TALLOC_CTX *context, const struct kt_store_line *line);

/**
 * Read a line.
 * @param ret_line  its value is owned by the context
 * @return 0, -EINVAL with the words, -ENOMEM
 */
int kt_store_line_read(TALLOC_CTX *context, const char *text, size_t bytes,
                       struct kt_store_line *ret_line, struct kt_error *error);

#endif
