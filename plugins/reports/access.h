/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who asks, and may they: the gate before every handler of reports. Answers the request itself when
 * it is closed.
 */
#ifndef REPORTS_ACCESS_H
#define REPORTS_ACCESS_H

#include "catalogue.h"
#include "order.h"

#include <kontor/job.h>

/**
 * Find out who asks: whom the web server has signed in, or the calendar. For handlers that look for
 * neither a report nor a job; else the two below do it.
 * @return false: the request is answered; who it is can't be said now
 * Parks.
 */
bool access_identify(struct kt_request *request);

/** Who asks, or "" when nobody has signed in. */
const char *access_user(const struct kt_request *request);

/** The same for the log. */
const char *access_name(const struct kt_request *request);

/** Seconds after which to try again what is too much now, or not there yet. */
#define ACCESS_RETRY_AFTER_S "5"

/** Answer with 503 that the registry, which knows the jobs, is away for a moment. */
void access_respond_restart(struct kt_request *request);

/**
 * The report that the path names, if the person may see it. Of what one may not see one does not
 * learn that it is there.
 * @return NULL: the request is answered, with 404 or 503. Parks.
 */
const struct definition *access_report(struct kt_request *request);

/** A job that the path names. */
struct access_job {
    struct kt_job job;
    const struct definition *definition; /**< NULL: the report is not there any more */
};

/**
 * The job that the path names, if the person may see its report.
 * @return false: the request is answered, with 404 or 503
 */
bool access_job(struct kt_request *request, struct access_job *ret_job);

/** Whether a person may see a job: that of a report that they may see; if personal, their own. */
bool access_may_see_job(const struct catalogue *catalogue, const struct kt_job *job,
                        const char *user, const struct definition **ret_definition);

/** Whether a person may cancel and delete a job: they asked for it first, or nobody said who. */
bool access_is_theirs(const struct kt_job *job, const char *user);

/**
 * Whether a request that changes something comes from our own pages, or from no browser at all.
 * @return false: the request is answered with 403
 * Source: Fetch Metadata (W3C), "Sec-Fetch-Site"; RFC 6454, section 7.
 */
bool access_is_ours(struct kt_request *request);

#endif
