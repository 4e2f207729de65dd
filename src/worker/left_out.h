/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plugins that this worker comes up without, because they are in quarantine: nothing of them is
 * loaded, and whoever asks for their routes is told when to come again.
 */
#ifndef KT_LEFT_OUT_H
#define KT_LEFT_OUT_H

#include <kontor/error.h>
#include <stddef.h>
#include <stdint.h>

struct kt_left_out {
    const char *name;
    int64_t until_ms; /**< the end of its quarantine, in the time of kt_now_ms */
};

/** A plugin that has crashed workers, as was known when this one started. */
struct kt_plugin_past {
    const char *name;
    const char *text; /**< of the last crash */
    uint64_t crashes_total;
    int64_t crash_unix_ms;
};

/**
 * Answer everything below /api/<plugin> with 503 and Retry-After.
 * @param list  borrowed until the worker ends
 * @return 0 or a negative errno, with the words
 */
int kt_left_out_route(const struct kt_left_out *list, size_t count, struct kt_error *error);

#endif
