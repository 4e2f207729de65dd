/* SPDX-License-Identifier: BSD-2-Clause */
/* The first one that fails decides; progress is that of the first, which takes the time. */
#include "tee.h"

#include <errno.h>

struct tee {
    struct report_sink sink; /* first: a sink is a tee */
    struct report_sink *first, *second;
};

static int begin(struct report_sink *sink, const struct report_column *columns, size_t count,
                 struct kt_error *error)
{
    struct tee *tee = (struct tee *)sink;
    int result = tee->first->begin(tee->first, columns, count, error);
    return result < 0 ? result : tee->second->begin(tee->second, columns, count, error);
}

static int row(struct report_sink *sink, const struct report_value *values, struct kt_error *error)
{
    struct tee *tee = (struct tee *)sink;
    int result = tee->first->row(tee->first, values, error);
    return result < 0 ? result : tee->second->row(tee->second, values, error);
}

static int end(struct report_sink *sink,
               bool (*progress)(void *argument, uint64_t done, uint64_t total), void *argument,
               struct kt_error *error)
{
    struct tee *tee = (struct tee *)sink;
    int result = tee->first->end(tee->first, progress, argument, error);
    return result < 0 ? result : tee->second->end(tee->second, NULL, NULL, error);
}

int report_tee_new(TALLOC_CTX *context, struct report_sink *first, struct report_sink *second,
                   struct report_sink **ret_sink, struct kt_error *error)
{
    struct tee *tee = talloc_zero(context, struct tee);
    if (!tee)
        return kt_error_set(error, -ENOMEM, "out of memory");
    *tee = (struct tee){{begin, row, end}, first, second};
    *ret_sink = &tee->sink;
    return 0;
}
