/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks over HTTP: what of the question all requests have in common, and what is said instead. */
#ifndef CALENDAR_LOOK_REQUEST_H
#define CALENDAR_LOOK_REQUEST_H

#include "look.h"

#include <kontor/request.h>

/** Whether a parameter of the request is "1". */
bool kt_look_is_wanted(struct kt_request *request, const char *name);

/** Answer with a refusal: as a problem, with Retry-After where it is known. */
void kt_look_respond_refusal(struct kt_request *request, const struct kt_look_refusal *refusal);

/**
 * Look for a request: in the zone "tz", at the file that is the body of a POST, at the made-up
 * events of "sample=1", or at what the person has connected.
 * @param question  its days and its writer; the rest is filled from the request
 * @return what was seen, with Server-Timing and Cache-Control said; or NULL: the request has been
 *   answered with an error
 * Parks.
 */
const struct kt_look *kt_look_for_request(struct kt_request *request,
                                          struct kt_look_question *question);

#endif
