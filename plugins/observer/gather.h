/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks the observers of all workers at the same time, and hangs their answers together. */
#ifndef OBSERVER_GATHER_H
#define OBSERVER_GATHER_H

#include <cjson/cJSON.h>
#include <stdint.h>

/**
 * Ask all.
 * @param type      of the question: INSTANCE_…
 * @param question  becomes this function's; NULL: nothing to say
 * @param ret_answers  an array of their answers, each with "observer", the key of who answered;
 *                     who didn't answer in time has "is_silent" and INSTANCE_VALUE. The caller's
 * @return 0, -ENOTCONN, -ENOMEM, -ETIMEDOUT (of the registry). Parks.
 */
int gather(uint32_t type, cJSON *question, cJSON **ret_answers);

/** Ask one, by its key. @return 0, as kt_registry_call. Parks. */
int gather_one(const char *key, uint32_t type, cJSON *question, cJSON **ret_answer);

#endif
