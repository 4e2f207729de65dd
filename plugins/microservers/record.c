/* SPDX-License-Identifier: BSD-2-Clause */
/* The document "state". */
#include "record.h"

#include "table.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <kontor/store.h>
#include <stdio.h>
#include <string.h>

#define KEY "state"
#define TEXT_MAX 256u
/** As far as a double knows each integer. */
#define NUMBER_MAX 9e15

static const char *const phases[] = {
    [RECORD_DONE] = "done", [RECORD_FILLING] = "filling", [RECORD_COUNTING] = "counting"};

int record_print(const struct record *record, char *text, unsigned size)
{
    return snprintf(text, size,
                    "{\"running\":%s,\"tick\":\"%s\",\"phase\":\"%s\",\"pass\":%" PRIu64
                    ",\"rows\":%" PRIu32 ",\"value\":%" PRIu32 "}",
                    record->is_running ? "true" : "false",
                    record->is_spread ? "spread" : "together", phases[record->phase], record->pass,
                    record->rows, record->value);
}

/** @return whether there is a whole number from 0 to the bound */
static bool read_number(const cJSON *json, const char *name, double bound, uint64_t *ret_number)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= bound))
        return false;
    *ret_number = (uint64_t)item->valuedouble;
    return true;
}

static bool read_phase(const cJSON *json, enum record_phase *ret_phase)
{
    const char *word = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "phase"));
    for (unsigned i = 0; word && i < sizeof phases / sizeof *phases; i++) {
        *ret_phase = (enum record_phase)i;
        if (strcmp(word, phases[i]) == 0)
            return true;
    }
    return false;
}

int record_parse(const char *text, unsigned size, struct record *record)
{
    uint64_t rows = 0, value = 0;
    cJSON *json = cJSON_ParseWithLength(text, size);
    const char *tick = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "tick"));
    bool is_good = tick && read_phase(json, &record->phase) &&
                   read_number(json, "pass", NUMBER_MAX, &record->pass) &&
                   read_number(json, "rows", TABLE_ROWS_MAX, &rows) &&
                   read_number(json, "value", TABLE_VALUE_MAX, &value);
    record->is_running = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "running"));
    record->is_spread = tick && strcmp(tick, "spread") == 0;
    record->rows = (uint32_t)rows;
    record->value = (uint32_t)value;
    cJSON_Delete(json);
    return is_good ? 0 : -EBADMSG;
}

int record_load(struct record *record)
{
    struct kt_store_document *document;
    *record = (struct record){.phase = RECORD_DONE, .revision = KT_STORE_NEW};
    int result = kt_store_get(TABLE_NAME_SPACE, KEY, &document);
    if (result == -ENOENT)
        return 0;
    if (result < 0)
        return result;
    result = record_parse(document->value, (unsigned)document->value_bytes, record);
    record->revision = document->revision;
    talloc_free(document);
    return result;
}

int record_save(struct record *record)
{
    char text[TEXT_MAX];
    int size = record_print(record, text, sizeof text);
    return kt_store_put(TABLE_NAME_SPACE, KEY, text, (size_t)size, record->revision,
                        &record->revision);
}
