/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps twice as many as are asked for; when they are full, the lesser half is dropped. So each
 * connection costs the logarithm of that, however many there are and in whatever order.
 */
#include "fastcgi/busiest.h"

#include <errno.h>
#include <stdlib.h>

/** Of the requests on a connection the one that is in work for longest; endless ones only if there
 * is no other. They are in the order of their beginning, the newest first. */
static const struct kt_fastcgi_request *find_oldest(const struct kt_connection *connection)
{
    const struct kt_fastcgi_request *oldest = NULL;
    for (const struct kt_fastcgi_request *request = connection->requests; request;
         request = request->next_sibling)
        if (!oldest || request->deadline_ms != INT64_MAX || oldest->deadline_ms == INT64_MAX)
            oldest = request;
    return oldest;
}

static struct kt_busy_connection look(const struct kt_connection *connection, int64_t now_ms)
{
    const struct kt_fastcgi_request *oldest = find_oldest(connection);
    bool is_endless = oldest && oldest->deadline_ms == INT64_MAX;
    bool waits = connection->output_first != NULL;
    int64_t waits_ms = waits ? now_ms - connection->taken_ms : 0;
    int64_t works_ms = oldest ? now_ms - oldest->begun_ms : 0;
    return (struct kt_busy_connection){
        .connection = connection,
        .oldest = oldest,
        .business = waits || (oldest && !is_endless) ? KT_BUSINESS_AT_WORK
                    : is_endless                     ? KT_BUSINESS_ENDLESS
                                                     : KT_BUSINESS_IDLE,
        /* an endless one says nothing of how long bytes wait */
        .busy_ms = waits && (is_endless || waits_ms > works_ms) ? waits_ms : works_ms,
    };
}

/** For qsort: the busier one first. */
static int compare(const void *left, const void *right)
{
    const struct kt_busy_connection *a = left, *b = right;
    if (a->business != b->business)
        return a->business > b->business ? -1 : 1;
    if (a->busy_ms != b->busy_ms)
        return a->busy_ms > b->busy_ms ? -1 : 1;
    uint32_t a_total = a->connection->requests_total, b_total = b->connection->requests_total;
    return a_total == b_total ? 0 : a_total > b_total ? -1 : 1;
}

ssize_t kt_engine_busiest(TALLOC_CTX *context, const struct kt_engine *engine, size_t max,
                          struct kt_busy_sum *ret_sum, struct kt_busy_connection **ret_list)
{
    struct kt_busy_connection *list =
        talloc_array(context, struct kt_busy_connection, (unsigned int)(2 * max));
    size_t count = 0;
    int64_t now_ms = kt_now_ms();
    if (!list)
        return -ENOMEM;
    *ret_sum = (struct kt_busy_sum){0};
    for (const struct kt_connection *one = engine->connections; one; one = one->next) {
        list[count] = look(one, now_ms);
        ret_sum->connections++;
        ret_sum->at_work += list[count].business == KT_BUSINESS_AT_WORK;
        ret_sum->output_bytes += one->output_bytes;
        if (++count == 2 * max) {
            qsort(list, count, sizeof(*list), compare);
            count = max;
        }
    }
    qsort(list, count, sizeof(*list), compare);
    *ret_list = list;
    return (ssize_t)(count < max ? count : max);
}
