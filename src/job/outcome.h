/* SPDX-License-Identifier: BSD-2-Clause */
/* How a job ended, in words that a person can read; and room for its result. */
#ifndef KT_JOB_OUTCOME_H
#define KT_JOB_OUTCOME_H

#include "job/runner.h"

/** Who asked a runner to end. */
enum kt_job_outcome_cause {
    KT_JOB_CAUSE_ITSELF, /**< nobody */
    KT_JOB_CAUSE_CANCELLED,
    KT_JOB_CAUSE_TIME,
    KT_JOB_CAUSE_ENDED, /**< the worker ends */
};

/**
 * Judge a runner that has ended.
 * @param words       who cancelled it, or why the worker ended it
 * @param ret_reason  the reason
 * @return KT_JOB_READY, KT_JOB_FAILED or KT_JOB_CANCELLED
 */
enum kt_job_state kt_job_outcome(const struct kt_runner *runner, enum kt_job_outcome_cause cause,
                                 const struct kt_job_limits *limits, const char *words,
                                 char ret_reason[KT_JOB_TEXT_MAX]);

/** Why a result could not be kept. */
void kt_job_outcome_unkept(int result, uint64_t bytes, char *text, size_t size);

/** The result of a ready job, whose entry has just been removed, has gone before its time. */
void kt_job_outcome_expire(const struct kt_job *job);

/**
 * Let the oldest result go that nobody reads just now.
 * @param bytes  of the result that needs the room
 * @return whether it is worth trying again
 * Parks.
 */
bool kt_job_outcome_make_room(uint64_t bytes);

#endif
