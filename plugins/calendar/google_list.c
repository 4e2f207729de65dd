/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of the list of calendars, and errors. */
#include "google_page.h"

#include "json_text.h"

#include <errno.h>
#include <string.h>

/* ---------------------------------------------------------------- calendars */

/** A calendar of the list as written. */
struct raw_calendar {
    struct kt_json_text id, name, own_name, role;
    bool is_primary, is_selected, is_hidden, is_deleted;
};

static void read_raw_calendar(struct kt_json *json, struct raw_calendar *raw)
{
    struct kt_json_text name;

    memset(raw, 0, sizeof(*raw));
    if (!kt_json_enter_object(json))
        return;
    while (kt_json_next_member(json, &name)) {
        if (kt_json_text_is(&name, "id"))
            kt_json_take_text(json, &raw->id);
        else if (kt_json_text_is(&name, "summary"))
            kt_json_take_text(json, &raw->name);
        else if (kt_json_text_is(&name, "summaryOverride"))
            kt_json_take_text(json, &raw->own_name);
        else if (kt_json_text_is(&name, "accessRole"))
            kt_json_take_text(json, &raw->role);
        else if (kt_json_text_is(&name, "primary"))
            raw->is_primary = kt_json_take_boolean(json);
        else if (kt_json_text_is(&name, "selected"))
            raw->is_selected = kt_json_take_boolean(json);
        else if (kt_json_text_is(&name, "hidden"))
            raw->is_hidden = kt_json_take_boolean(json);
        else if (kt_json_text_is(&name, "deleted"))
            raw->is_deleted = kt_json_take_boolean(json);
        else
            kt_json_skip(json);
    }
}

static int add_calendar(TALLOC_CTX *context, struct kt_google_calendars *calendars,
                        struct kt_text_pool *texts, const struct raw_calendar *raw)
{
    const struct kt_json_text *written = raw->own_name.start ? &raw->own_name : &raw->name;
    struct kt_google_calendar *items;
    char id[KT_GOOGLE_ID_MAX], name[KT_TEXT_MAX + 1];

    if (!raw->id.start || raw->id.size == 0 || !kt_json_text_copy(&raw->id, id, sizeof(id)))
        return 0;
    kt_json_text_copy(written->start ? written : &raw->id, name, sizeof(name));
    items =
        talloc_realloc(context, calendars->items, struct kt_google_calendar, calendars->count + 1);
    if (!items)
        return -ENOMEM;
    calendars->items = items;
    items[calendars->count] = (struct kt_google_calendar){
        .id = kt_text_pool_add(texts, id),
        .name = kt_text_pool_add(texts, name),
        .is_primary = raw->is_primary,
        .is_chosen = raw->is_primary || (raw->is_selected && kt_json_text_is(&raw->role, "owner")),
    };
    if (!items[calendars->count].id || !items[calendars->count].name)
        return -ENOMEM;
    calendars->count++;
    return 0;
}

int kt_google_calendars_add(TALLOC_CTX *context, struct kt_google_calendars *calendars,
                            uint32_t max, const char *text, size_t size)
{
    struct kt_text_pool *texts = kt_text_pool_new(context, context);
    struct kt_json json;
    struct kt_json_text name, token = {.start = NULL};
    struct raw_calendar raw;
    char page[KT_GOOGLE_TOKEN_MAX];
    int result = texts ? 0 : -ENOMEM;

    kt_json_begin(&json, text, size);
    if (result == 0 && !kt_json_enter_object(&json))
        result = -EBADMSG;
    while (result == 0 && kt_json_next_member(&json, &name)) {
        if (kt_json_text_is(&name, "nextPageToken")) {
            kt_json_take_text(&json, &token);
        } else if (kt_json_text_is(&name, "items") && kt_json_enter_array(&json)) {
            while (result == 0 && kt_json_next_element(&json)) {
                read_raw_calendar(&json, &raw);
                if (!json.is_broken && !raw.is_deleted && !raw.is_hidden && calendars->count < max)
                    result = add_calendar(context, calendars, texts, &raw);
            }
        } else if (!kt_json_text_is(&name, "items")) {
            kt_json_skip(&json);
        }
    }
    talloc_free(texts);
    if (result < 0)
        return result;
    if (!kt_json_is_complete(&json) || !kt_json_text_copy(&token, page, sizeof(page)))
        return -EBADMSG;
    calendars->next_page = *page ? talloc_strdup(context, page) : NULL;
    return *page && !calendars->next_page ? -ENOMEM : 0;
}

void kt_google_calendars_keep(struct kt_google_calendars *fresh,
                              const struct kt_google_calendars *known)
{
    for (uint32_t index = 0; index < fresh->count; index++) {
        for (uint32_t at = 0; at < known->count; at++) {
            if (strcmp(fresh->items[index].id, known->items[at].id) == 0)
                fresh->items[index].is_chosen = known->items[at].is_chosen;
        }
    }
}

/* ---------------------------------------------------------------- errors */

/** {"domain": …, "reason": …}: the first one counts. */
static void read_cause(struct kt_json *json, struct kt_json_text *domain,
                       struct kt_json_text *reason)
{
    struct kt_json_text name;

    if (!kt_json_enter_object(json))
        return;
    while (kt_json_next_member(json, &name)) {
        if (kt_json_text_is(&name, "domain") && !domain->start)
            kt_json_take_text(json, domain);
        else if (kt_json_text_is(&name, "reason") && !reason->start)
            kt_json_take_text(json, reason);
        else
            kt_json_skip(json);
    }
}

bool kt_google_error_read(const char *text, size_t size, char *reason, size_t reason_size)
{
    struct kt_json_text name, domain = {.start = NULL}, why = {.start = NULL};
    struct kt_json json;

    kt_json_begin(&json, text, size);
    *reason = '\0';
    if (!kt_json_enter_object(&json))
        return false;
    while (kt_json_next_member(&json, &name)) {
        if (!kt_json_text_is(&name, "error"))
            kt_json_skip(&json);
        else if (kt_json_enter_object(&json))
            while (kt_json_next_member(&json, &name)) {
                if (!kt_json_text_is(&name, "errors"))
                    kt_json_skip(&json);
                else if (kt_json_enter_array(&json))
                    while (kt_json_next_element(&json))
                        read_cause(&json, &domain, &why);
            }
    }
    kt_json_text_copy(&why, reason, reason_size);
    return kt_json_text_is(&domain, "usageLimits");
}
