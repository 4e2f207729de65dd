/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The routes of plugins in quarantine.
 */
#include "worker/left_out.h"

#include "http/route.h"

#include <kontor/log.h>
#include <kontor/request.h>
#include <stdio.h>
#include <string.h>

/** Room for "/api/<plugin>/" and an asterisk. */
#define PATTERN_MAX 64

static void answer(struct kt_request *request)
{
    const struct kt_left_out *plugin = kt_request_context(request);
    int64_t left_ms = plugin->until_ms - kt_now_ms();
    long long seconds = left_ms > 0 ? (long long)(left_ms + 999) / 1000 : 1;
    char text[24];
    snprintf(text, sizeof(text), "%lld", seconds);
    kt_response_header(request, "Retry-After", text);
    kt_respond_problem(request, 503,
                       "This part of the server keeps failing and is left out for now; try again "
                       "in %lld second%s.",
                       seconds, seconds == 1 ? "" : "s");
}

int kt_left_out_route(const struct kt_left_out *list, size_t count, struct kt_error *error)
{
    for (size_t i = 0; i < count; i++) {
        static const char *const ends[] = {"", "/*"};
        void *plugin = (void *)(uintptr_t)&list[i];
        for (size_t j = 0; j < sizeof(ends) / sizeof(ends[0]); j++) {
            char pattern[PATTERN_MAX];
            snprintf(pattern, sizeof(pattern), "/api/%s%s", list[i].name, ends[j]);
            int result = kt_route_add("*", pattern, answer, plugin);
            if (result < 0)
                return kt_error_set(error, result, "cannot route %s: %s", pattern,
                                    strerror(-result));
        }
        kt_log_warning("plugin '%s' is in quarantine: this worker runs without it", list[i].name);
    }
    return 0;
}
