/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process for each question, so that a worker that is stuck makes nobody wait for longer than it
 * alone would.
 */
#include "gather.h"

#include "instance.h"

#include <errno.h>
#include <kontor/registry.h>
#include <string.h>

/** The answer of one arrives; data is its text. Each round of questions has a type of its own, so
 * that an answer that comes too late is not taken for one of the next round. */
#define ANSWERED_FIRST 1u
#define ANSWERED_LAST 0x7fffffffu /**< below KT_MESSAGE_SYSTEM */

/** A question to one. */
struct errand {
    kt_pid asker;
    uint32_t round; /**< the type of the answer */
    uint32_t type;
    char *question;
    struct kt_registry_entry entry; /**< its value says who it is, should it be silent */
};

static cJSON *read_answer(const char *key, const struct kt_message *reply)
{
    cJSON *json = cJSON_ParseWithLength(reply->data, reply->size);
    if (json)
        cJSON_AddStringToObject(json, "observer", key);
    return json;
}

int gather_one(const char *key, uint32_t type, cJSON *question, cJSON **ret_answer)
{
    const struct kt_message *reply;
    char *text = question ? cJSON_PrintUnformatted(question) : NULL;
    cJSON_Delete(question);
    int result = kt_registry_call(key, type, text ? text : "{}", text ? strlen(text) + 1 : 3,
                                  INSTANCE_TIMEOUT_MS, &reply);
    cJSON_free(text);
    if (result < 0)
        return result;
    *ret_answer = read_answer(key, reply);
    return *ret_answer ? 0 : -EBADMSG;
}

/** What is said of one that doesn't answer. */
static cJSON *make_silent(const struct kt_registry_entry *entry)
{
    cJSON *json = cJSON_ParseWithLength(entry->value, entry->value_bytes);
    if (!cJSON_IsObject(json)) {
        cJSON_Delete(json);
        json = cJSON_CreateObject();
    }
    cJSON_AddBoolToObject(json, "is_silent", true);
    cJSON_AddStringToObject(json, "observer", entry->key);
    return json;
}

static void run_errand(void *argument)
{
    const struct errand *errand = argument;
    const struct kt_message *reply;
    cJSON *json = NULL;
    int result = kt_registry_call(errand->entry.key, errand->type, errand->question,
                                  strlen(errand->question) + 1, INSTANCE_TIMEOUT_MS, &reply);
    if (result == 0)
        json = read_answer(errand->entry.key, reply);
    else if (result != -ENOENT && result != -EOWNERDEAD) /* those have just gone */
        json = make_silent(&errand->entry);
    char *text = json ? cJSON_PrintUnformatted(json) : NULL;
    kt_send(errand->asker, errand->round, text ? text : "", text ? strlen(text) + 1 : 1);
    cJSON_free(text);
    cJSON_Delete(json);
}

static int send_errand(const struct kt_registry_entry *entry, uint32_t round, uint32_t type,
                       const char *question)
{
    const struct kt_spawn options = {.label = "question to an observer", .give = true};
    struct errand *errand = talloc(kt_self_memory(), struct errand);
    if (!errand)
        return -ENOMEM;
    errand->asker = kt_self();
    errand->round = round;
    errand->type = type;
    errand->entry = *entry;
    errand->question = talloc_strdup(errand, question);
    int result = errand->question ? kt_spawn(&options, run_errand, errand, NULL) : -ENOMEM;
    if (result < 0)
        talloc_free(errand);
    return result;
}

/** The rounds of this worker have different ones, until two billion later. */
static uint32_t next_round(void)
{
    static uint32_t last = ANSWERED_FIRST;
    last = last < ANSWERED_LAST ? last + 1 : ANSWERED_FIRST;
    return last;
}

int gather(uint32_t type, cJSON *question, cJSON **ret_answers)
{
    const uint32_t round = next_round();
    char *text = question ? cJSON_PrintUnformatted(question) : NULL;
    struct kt_registry_page *page;
    unsigned sent = 0;
    cJSON_Delete(question);
    int result = kt_registry_select(INSTANCE_PREFIX, NULL, 0, &page);
    for (uint32_t i = 0; result == 0 && i < page->count; i++)
        sent += send_errand(page->entries[i], round, type, text ? text : "{}") == 0;
    cJSON_free(text);
    if (result < 0)
        return result;
    *ret_answers = cJSON_CreateArray();
    while (sent > 0) {
        const struct kt_message *message;
        if (kt_receive(2 * INSTANCE_TIMEOUT_MS, &message) < 0)
            break;
        if (message->type != round)
            continue;
        sent--;
        cJSON *answer = cJSON_ParseWithLength(message->data, message->size);
        if (answer)
            cJSON_AddItemToArray(*ret_answers, answer);
    }
    talloc_free(page);
    return 0;
}
