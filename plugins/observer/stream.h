/* SPDX-License-Identifier: BSD-2-Clause */
/* The page's live stream: every few seconds how the workers are, and the samples since the last
 * time. */
#ifndef OBSERVER_STREAM_H
#define OBSERVER_STREAM_H

#include <kontor/request.h>

/**
 * Events until the page goes away: "workers", as views_workers answers, and "samples", as
 * views_history does, with the time of the last sample as its id. ?after_ms= or Last-Event-ID says
 * what the page has already. Answers 503 when so many streams are open that there must be no more.
 */
void stream_serve(struct kt_request *request);

#endif
