/* SPDX-License-Identifier: BSD-2-Clause */
/* One question to the calendar's server in this worker; what it refuses the person is told. */
#include "personal.h"

#include "calendar/rows_server.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/log.h>
#include <kontor/process.h>
#include <kontor/registry.h>
#include <sodium.h>
#include <string.h>

/** More than a calendar's sources may take (source_timeout of [calendar]: 20 s). */
#define PATIENCE_MS 60000
/** Longer than any order is on its way. */
#define FORGOTTEN_MS (2 * PATIENCE_MS)
#define FORGOTTEN_PREFIX "reports/forgotten/"
/** The registry's clock stands still for a moment; nobody comes back within this. */
#define MOMENT_MS 50
#define ATTEMPTS_MAX 100
/** Bytes of the hash that stands for a person. */
#define PERSON_BYTES 16u

const char *personal_realm(TALLOC_CTX *context, const char *user)
{
    unsigned char sum[PERSON_BYTES];
    char digits[2 * PERSON_BYTES + 1];
    crypto_generichash(sum, sizeof sum, (const unsigned char *)user, strlen(user), NULL, 0);
    sodium_bin2hex(digits, sizeof digits, sum, sizeof sum);
    return kt_must(talloc_asprintf(context, "person-%s", digits));
}

bool personal_is_mine(const char *realm, const char *user)
{
    const char *mine = personal_realm(NULL, user);
    bool is_mine = strcmp(realm, mine) == 0;
    talloc_free((void *)(uintptr_t)mine);
    return is_mine;
}

static const char *value_of(const struct order *order, const char *name)
{
    for (size_t i = 0; i < order->bound_count; i++)
        if (strcmp(order->bound[i].name, name) == 0)
            return order->bound[i].value;
    return NULL;
}

/** The question as JSON; owned by the calling process. */
static const char *write_question(const struct order *order)
{
    const char *zone = value_of(order, DEFINITION_ZONE);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "user", order->who);
    cJSON_AddStringToObject(json, "from", value_of(order, DEFINITION_FROM));
    cJSON_AddStringToObject(json, "to", value_of(order, DEFINITION_TO));
    if (zone)
        cJSON_AddStringToObject(json, "zone", zone);
    char *text = kt_must(cJSON_PrintUnformatted(json));
    const char *copy = kt_must(talloc_strdup(kt_self_memory(), text));
    cJSON_free(text);
    cJSON_Delete(json);
    return copy;
}

/** Pass on why the calendar has no rows. */
static void respond_refusal(struct kt_request *request, const struct kt_message *reply)
{
    cJSON *problem = cJSON_ParseWithLength(reply->data, reply->size);
    const char *detail = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(problem, "detail"));
    int status = (int)reply->type;
    /* 400 and 422 are about what was entered; so is a calendar that isn't connected. */
    if (status == 400 || status == 401 || status == 404)
        status = 422;
    kt_respond_problem(request, status, "%s", detail ? detail : "The calendar can't be read.");
    cJSON_Delete(problem);
}

bool personal_gather(struct kt_request *request, const struct order *order,
                     struct kt_memory_file **ret_rows)
{
    const char *question = write_question(order);
    const struct kt_message *reply;
    int result = kt_call(kt_whereis(KT_ROWS_SERVER), KT_ROWS_ASK, question, strlen(question),
                         PATIENCE_MS, &reply);
    if (result == 0 && reply->type == 200) {
        *ret_rows = (struct kt_memory_file *)(uintptr_t)reply->data;
        return true;
    }
    if (result == 0) {
        respond_refusal(request, reply);
    } else if (result == -ESRCH) {
        kt_respond_problem(request, 503, "There is no calendar here: the plugin isn't loaded.");
    } else {
        kt_log_warning("the calendar doesn't answer: %s", strerror(-result));
        kt_respond_problem(request, 504, "The calendar didn't answer in time; please try again.");
    }
    return false;
}

/** The zone of the calendar. @return owned by the calling process; NULL: there is no calendar */
static const char *ask_zone(void)
{
    const struct kt_message *reply;
    int result =
        kt_call(kt_whereis(KT_ROWS_SERVER), KT_ROWS_ASK_ZONE, NULL, 0, PATIENCE_MS, &reply);
    return result == 0 && reply->type == 200
               ? kt_must(talloc_strndup(kt_self_memory(), reply->data, reply->size))
               : NULL;
}

const struct wall_clock *personal_clock(const struct definition *definition,
                                        const struct entered *entered, size_t entered_count)
{
    const struct wall_clock *clock;
    const char *zone =
        parameters_value(kt_self_memory(), definition, DEFINITION_ZONE, entered, entered_count);
    if (!zone)
        zone = ask_zone();
    return zone && wall_clock_new(kt_self_memory(), zone, &clock) == 0 ? clock : NULL;
}

/** @return owned by the calling process */
static const char *forgotten_key(const char *realm)
{
    return kt_must(talloc_asprintf(kt_self_memory(), FORGOTTEN_PREFIX "%s", realm));
}

/** Note it, and end: so nobody owns the note, and whoever forgets the person again may replace it.
 */
static void note(void *argument)
{
    const char *key = argument;
    kt_registry_unregister(key); /* of another time, and older */
    kt_registry_register(
        &(struct kt_registration){.key = key, .keep_until_ms = kt_unix_ms() + FORGOTTEN_MS}, NULL);
}

int personal_forget(const char *realm)
{
    int64_t began_ms = kt_unix_ms() + MOMENT_MS; /* a note of just before is not this one */
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        char *key = kt_must(talloc_strdup(NULL, forgotten_key(realm)));
        kt_pid pid;
        int result = kt_spawn(&(struct kt_spawn){.label = "notes who is forgotten", .give = true},
                              note, key, &pid);
        if (result < 0) {
            talloc_free(key);
            return result;
        }
        kt_join(pid, -1);
        if (personal_is_forgotten(realm, began_ms))
            return 0;
        kt_sleep(MOMENT_MS); /* another does the same just now */
    }
    return -EAGAIN;
}

bool personal_is_forgotten(const char *realm, int64_t since_ms)
{
    struct kt_registry_entry *mark = kt_must(talloc(kt_self_memory(), struct kt_registry_entry));
    bool is_forgotten = kt_registry_lookup(forgotten_key(realm), mark) == 0 &&
                        mark->registered_ms + MOMENT_MS >= since_ms;
    talloc_free(mark);
    return is_forgotten;
}
