/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of a job, as the value of its entry in the registry and back. Pure: knows names,
 * texts and JSON; neither the registry nor processes.
 */
#ifndef KT_JOB_STATE_H
#define KT_JOB_STATE_H

#include <kontor/job.h>
#include <kontor/registry.h>

/** What the keys of all jobs begin with. */
#define KT_JOB_PREFIX "job/"

/** Make the key of a job. @return 0, -EINVAL when realm or id can't be one */
int kt_job_key(const char *realm, const char *id, char key[KT_REGISTRY_KEY_MAX + 1]);

/** Whether it is queued or running. */
static inline bool kt_job_is_active(enum kt_job_state state)
{
    return state == KT_JOB_QUEUED || state == KT_JOB_RUNNING;
}

/**
 * Write the value of an entry: JSON. What does not fit is cut from the texts for people.
 * @return its length; 0 when there is no memory
 */
size_t kt_job_write(const struct kt_job *job, char value[KT_REGISTRY_VALUE_MAX + 1]);

/** Read an entry's key and value. @return 0, -EBADMSG (it is none of a job), -ENOMEM */
int kt_job_read(const char *key, const char *value, struct kt_job *ret_job);

/** Copy a text, cut between two characters; control characters become blanks. NULL is "". */
void kt_job_text(char *to, size_t size, const char *from);

/** Fill in who asked: what is shown of a name, and what stands for all of it. NULL is nobody. */
void kt_job_set_who(struct kt_job *job, const char *who);

/** Write a time as people say it: "120 s", "10 min", "250 ms". */
void kt_job_duration_text(char *to, size_t size, int64_t duration_ms);
/** Write a size as people say it: "64 MiB", "1500 bytes". */
void kt_job_bytes_text(char *to, size_t size, uint64_t bytes);

#endif
