/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pass over a page, event by event. An event is first collected as it is written, then judged:
 * times, who is there, what sort it is.
 */
#include "google_page.h"

#include "civil.h"
#include "eight.h"
#include "json_text.h"
#include "rfc3339.h"

#include <errno.h>
#include <string.h>

/** Room for a time and an address as Google writes them, with a NUL. */
#define TIME_SIZE 48
#define ADDRESS_SIZE 321

/** {"date": …} or {"dateTime": …} */
struct time {
    struct kt_json_text date, date_time;
};

struct attendee {
    struct kt_json_text address, name, answer;
    bool is_self, is_resource;
    int64_t guests; /* that come along */
};

/** Room for so many attendees is made at once: few events have more. */
#define ATTENDEES_AT_ONCE 32u

/** An event as written. Set by read_raw, of the attendees as many as there are. */
struct raw {
    struct kt_json_text id, uid, summary, status, series, transparency, type;
    struct time start, end, original;
    bool has_no_end, has_omitted, organizer_is_self;
    struct kt_json_text organizer_address, organizer_name;
    uint32_t attendee_count; /* named ones */
    uint32_t invited;        /* all */
    struct attendee *attendees;
    struct kt_person *people; /* who of them counts; the organiser */
    uint32_t room;            /* for attendees, and people but the organiser; stays, as do they */
    bool is_out_of_memory;
};

/* ---------------------------------------------------------------- collecting */

static void read_time(struct kt_json *json, struct time *ret_time)
{
    struct kt_json_text name;

    if (!kt_json_enter_object(json))
        return;
    while (kt_json_next_member(json, &name)) {
        if (kt_json_text_is(&name, "date"))
            kt_json_take_text(json, &ret_time->date);
        else if (kt_json_text_is(&name, "dateTime"))
            kt_json_take_text(json, &ret_time->date_time);
        else
            kt_json_skip(json);
    }
}

static void read_attendee(struct kt_json *json, struct attendee *ret_attendee)
{
    struct kt_json_text name;

    *ret_attendee = (struct attendee){.guests = 0};
    if (!kt_json_enter_object(json))
        return;
    while (kt_json_next_member(json, &name)) {
        if (kt_json_text_is(&name, "email"))
            kt_json_take_text(json, &ret_attendee->address);
        else if (kt_json_text_is(&name, "displayName"))
            kt_json_take_text(json, &ret_attendee->name);
        else if (kt_json_text_is(&name, "responseStatus"))
            kt_json_take_text(json, &ret_attendee->answer);
        else if (kt_json_text_is(&name, "self"))
            ret_attendee->is_self = kt_json_take_boolean(json);
        else if (kt_json_text_is(&name, "resource"))
            ret_attendee->is_resource = kt_json_take_boolean(json);
        else if (kt_json_text_is(&name, "additionalGuests"))
            kt_json_take_integer(json, &ret_attendee->guests);
        else
            kt_json_skip(json);
    }
}

/** @return whether there is room for another attendee */
static bool make_room(struct raw *raw)
{
    uint32_t room = raw->room ? 2 * raw->room : ATTENDEES_AT_ONCE;
    struct attendee *attendees;
    struct kt_person *people;

    if (raw->attendee_count < raw->room)
        return true;
    attendees = talloc_realloc(raw, raw->attendees, struct attendee, room);
    raw->attendees = attendees ? attendees : raw->attendees;
    people = talloc_realloc(raw, raw->people, struct kt_person, room + 1);
    raw->people = people ? people : raw->people;
    raw->is_out_of_memory = !attendees || !people;
    raw->room = raw->is_out_of_memory ? raw->room : room;
    return !raw->is_out_of_memory;
}

static void read_attendees(struct kt_json *json, struct raw *raw)
{
    if (!kt_json_enter_array(json))
        return;
    while (kt_json_next_element(json)) {
        raw->invited++;
        if (raw->attendee_count < KT_GOOGLE_ATTENDEES_MAX && make_room(raw))
            read_attendee(json, &raw->attendees[raw->attendee_count++]);
        else
            kt_json_skip(json);
    }
}

static void read_organizer(struct kt_json *json, struct raw *raw)
{
    struct kt_json_text name;

    if (!kt_json_enter_object(json))
        return;
    while (kt_json_next_member(json, &name)) {
        if (kt_json_text_is(&name, "email"))
            kt_json_take_text(json, &raw->organizer_address);
        else if (kt_json_text_is(&name, "displayName"))
            kt_json_take_text(json, &raw->organizer_name);
        else if (kt_json_text_is(&name, "self"))
            raw->organizer_is_self = kt_json_take_boolean(json);
        else
            kt_json_skip(json);
    }
}

/** The string of an event that has this name, or NULL. */
static struct kt_json_text *find_text(struct raw *raw, const struct kt_json_text *name)
{
    return kt_json_text_is(name, "id")                 ? &raw->id
           : kt_json_text_is(name, "iCalUID")          ? &raw->uid
           : kt_json_text_is(name, "summary")          ? &raw->summary
           : kt_json_text_is(name, "status")           ? &raw->status
           : kt_json_text_is(name, "recurringEventId") ? &raw->series
           : kt_json_text_is(name, "transparency")     ? &raw->transparency
           : kt_json_text_is(name, "eventType")        ? &raw->type
                                                       : NULL;
}

static void read_raw(struct kt_json *json, struct raw *raw)
{
    struct kt_json_text name;

    memset(raw, 0, offsetof(struct raw, attendees));
    if (!kt_json_enter_object(json))
        return;
    while (kt_json_next_member(json, &name)) {
        struct kt_json_text *text = find_text(raw, &name);

        if (text)
            kt_json_take_text(json, text);
        else if (kt_json_text_is(&name, "start"))
            read_time(json, &raw->start);
        else if (kt_json_text_is(&name, "end"))
            read_time(json, &raw->end);
        else if (kt_json_text_is(&name, "originalStartTime"))
            read_time(json, &raw->original);
        else if (kt_json_text_is(&name, "attendees"))
            read_attendees(json, raw);
        else if (kt_json_text_is(&name, "organizer"))
            read_organizer(json, raw);
        else if (kt_json_text_is(&name, "endTimeUnspecified"))
            raw->has_no_end = kt_json_take_boolean(json);
        else if (kt_json_text_is(&name, "attendeesOmitted"))
            raw->has_omitted = kt_json_take_boolean(json);
        else
            kt_json_skip(json);
    }
}

/* ---------------------------------------------------------------- judging: times */

static const char *keep(struct kt_google_events *events, const struct kt_json_text *text)
{
    char buffer[KT_TEXT_MAX + 1];

    if (text->start && !text->has_escapes)
        return kt_text_pool_add_bytes(events->texts, text->start, text->size);
    kt_json_text_copy(text, buffer, sizeof(buffer));
    return kt_text_pool_add(events->texts, buffer);
}

/** @return 0 and one of the two, or -EINVAL */
static int read_moment(const struct time *time, bool *ret_is_date, int32_t *ret_day,
                       int64_t *ret_instant)
{
    char text[TIME_SIZE];

    *ret_is_date = time->date_time.start == NULL;
    if (!kt_json_text_copy(*ret_is_date ? &time->date : &time->date_time, text, sizeof(text)))
        return -EINVAL;
    return *ret_is_date ? kt_date_parse(text, ret_day) : kt_rfc3339_parse(text, ret_instant);
}

static int read_times(const struct raw *raw, struct kt_event *event)
{
    bool end_is_date, original_is_date;
    int32_t day;

    if (read_moment(&raw->start, &event->is_all_day, &event->first_day, &event->start) < 0)
        return -EINVAL;
    if (raw->has_no_end && !event->is_all_day) {
        event->end = event->start;
    } else if (read_moment(&raw->end, &end_is_date, &event->end_day, &event->end) < 0 ||
               end_is_date != event->is_all_day) {
        return -EINVAL;
    }
    if (event->is_all_day ? event->end_day < event->first_day : event->end < event->start)
        return -EINVAL;
    if (event->is_all_day && event->end_day == event->first_day)
        event->end_day++; /* RFC 5545 knows no day of no length, either */
    event->original = event->is_all_day ? (int64_t)event->first_day * KT_DAY_SECONDS : event->start;
    if (read_moment(&raw->original, &original_is_date, &day, &event->original) == 0 &&
        original_is_date)
        event->original = (int64_t)day * KT_DAY_SECONDS;
    event->is_recurring = raw->series.start != NULL;
    return 0;
}

/* ---------------------------------------------------------------- judging: people */

static enum kt_answer own_answer(const struct kt_json_text *answer, bool is_organizer)
{
    if (kt_json_text_is(answer, "declined"))
        return KT_ANSWER_DECLINED;
    if (kt_json_text_is(answer, "tentative"))
        return KT_ANSWER_TENTATIVE;
    if (kt_json_text_is(answer, "needsAction") && !is_organizer)
        return KT_ANSWER_NONE;
    return KT_ANSWER_ACCEPTED;
}

/** Whether a text may have upper-case letters. */
static bool may_have_upper(const char *text, size_t size)
{
    size_t at = 0;

    for (; size - at >= KT_EIGHT; at += KT_EIGHT) {
        if (kt_eight_may_have_upper(kt_eight_load(text + at)))
            return true;
    }
    for (; at < size; at++) {
        if (text[at] >= 'A' && text[at] <= 'Z')
            return true;
    }
    return false;
}

/** An address in lower case; NULL: there is none. */
static const char *read_address(struct kt_google_events *events, const struct kt_json_text *text)
{
    char buffer[ADDRESS_SIZE];

    if (!text->start || text->size == 0)
        return NULL;
    if (!text->has_escapes && text->size < ADDRESS_SIZE && !may_have_upper(text->start, text->size))
        return kt_text_pool_add_bytes(events->texts, text->start, text->size);
    if (!kt_json_text_copy(text, buffer, sizeof(buffer)))
        return NULL;
    for (char *at = buffer; *at; at++)
        *at = (char)(*at + (*at >= 'A' && *at <= 'Z') * ('a' - 'A'));
    return kt_text_pool_add(events->texts, buffer);
}

static int add_person(struct kt_google_events *events, const char *address,
                      const struct kt_json_text *name, struct kt_person *people, uint32_t *count)
{
    const char *words = name->start && name->size > 0 ? keep(events, name) : address;

    for (uint32_t index = 0; index < *count; index++) {
        if (people[index].address == address)
            return 0;
    }
    people[(*count)++] = (struct kt_person){address, words};
    return words ? 0 : -ENOMEM;
}

/** Google names a shared calendar or a room as the organiser of what is in it. */
static bool is_calendar_address(const char *address)
{
    static const char suffix[] = ".calendar.google.com";
    size_t length = strlen(address);

    return length >= sizeof(suffix) - 1 &&
           memcmp(address + length - (sizeof(suffix) - 1), suffix, sizeof(suffix) - 1) == 0;
}

static int keep_people(struct kt_google_events *events, const struct kt_person *people,
                       struct kt_details *details)
{
    size_t size = details->people_count * sizeof(*people);
    struct kt_person *kept;

    if (size == 0)
        return 0;
    kept = kt_blocks_take(&events->details, size);
    if (!kept)
        return -ENOMEM;
    memcpy(kept, people, size);
    details->people = kept;
    return 0;
}

static int read_people(struct kt_google_events *events, struct raw *raw, struct kt_details *details)
{
    struct kt_person *people = raw->people;
    const char *organizer = read_address(events, &raw->organizer_address);
    bool is_organizer_there = raw->attendee_count == 0; /* nobody is */
    int result = 0;

    details->is_organizer = raw->organizer_is_self;
    if (organizer && !raw->organizer_is_self && !is_calendar_address(organizer))
        details->organizer = organizer;
    for (uint32_t index = 0; result == 0 && index < raw->attendee_count; index++) {
        const struct attendee *attendee = &raw->attendees[index];
        const char *address = read_address(events, &attendee->address);

        is_organizer_there |= address == organizer; /* the pool keeps equal texts once */
        if (attendee->is_resource || (address && is_calendar_address(address)))
            continue;
        details->attendee_count++;
        if (attendee->guests > 0 && attendee->guests <= KT_GOOGLE_ATTENDEES_MAX)
            details->attendee_count += (uint32_t)attendee->guests;
        if (attendee->is_self)
            details->answer = own_answer(&attendee->answer, raw->organizer_is_self);
        else if (address && !kt_json_text_is(&attendee->answer, "declined"))
            result = add_person(events, address, &attendee->name, people, &details->people_count);
    }
    if (result == 0 && details->organizer && !is_organizer_there)
        result =
            add_person(events, organizer, &raw->organizer_name, people, &details->people_count);
    return result < 0 ? result : keep_people(events, people, details);
}

/* ---------------------------------------------------------------- judging: the event */

static enum kt_event_type read_type(const struct kt_json_text *type)
{
    static const struct {
        const char *name;
        enum kt_event_type type;
    } types[] = {
        {"focusTime", KT_EVENT_FOCUS_TIME},
        {"outOfOffice", KT_EVENT_OUT_OF_OFFICE},
        {"workingLocation", KT_EVENT_WORKING_LOCATION},
        {"birthday", KT_EVENT_BIRTHDAY},
        {"fromGmail", KT_EVENT_FROM_MAIL},
    };

    for (size_t index = 0; index < sizeof(types) / sizeof(*types); index++) {
        if (kt_json_text_is(type, types[index].name))
            return types[index].type;
    }
    return KT_EVENT_DEFAULT;
}

static void warn(struct kt_google_events *events, const struct raw *raw,
                 const struct kt_details *details)
{
    if (raw->invited > raw->attendee_count)
        kt_warnings_add(events->owner, &events->warnings,
                        "“%.80s” has %u attendees; only %u of them are counted.", details->summary,
                        raw->invited, raw->attendee_count);
    else if (raw->has_omitted)
        kt_warnings_add(events->owner, &events->warnings,
                        "Google does not say who else is at “%.80s”.", details->summary);
}

static int push(struct kt_google_events *events, const struct kt_event *event)
{
    if (events->events.count == events->capacity) {
        size_t wanted = events->capacity ? events->capacity * 2 : 64;
        struct kt_event *items =
            talloc_realloc(events->owner, events->events.items, struct kt_event, (unsigned)wanted);

        if (!items)
            return -ENOMEM;
        events->events.items = items;
        events->capacity = wanted;
    }
    events->events.items[events->events.count++] = *event;
    return 0;
}

static int add_event(struct kt_google_events *events, struct raw *raw)
{
    struct kt_details *details;
    struct kt_event event = {.start = 0};
    int result;

    if (raw->is_out_of_memory)
        return -ENOMEM;
    if (kt_json_text_is(&raw->status, "cancelled"))
        return 0;
    if (events->events.count == events->events_max) {
        events->is_full = true;
        return 0;
    }
    details = kt_blocks_take(&events->details, sizeof(*details));
    if (!details)
        return -ENOMEM;
    *details = (struct kt_details){.uid = NULL};
    details->summary = keep(events, &raw->summary);
    details->uid = keep(events, raw->uid.start ? &raw->uid : &raw->id);
    if (!details->summary || !details->uid)
        return -ENOMEM;
    if (read_times(raw, &event) < 0) {
        kt_warnings_add(events->owner, &events->warnings,
                        "“%.80s” is left out: Google gives no time for it that can be read.",
                        details->summary);
        return 0;
    }
    details->type = read_type(&raw->type);
    details->is_free = kt_json_text_is(&raw->transparency, "transparent");
    result = read_people(events, raw, details);
    if (kt_json_text_is(&raw->status, "tentative") && details->answer == KT_ANSWER_ACCEPTED)
        details->answer = KT_ANSWER_TENTATIVE;
    warn(events, raw, details);
    event.details = details;
    return result < 0 ? result : push(events, &event);
}

/* ---------------------------------------------------------------- a page */

struct kt_google_events *kt_google_events_new(TALLOC_CTX *owner, size_t events_max)
{
    struct kt_google_events *events = talloc_zero(owner, struct kt_google_events);

    if (!events)
        return NULL;
    events->owner = owner;
    events->details.owner = owner;
    events->events_max = events_max;
    events->texts = kt_text_pool_new(events, owner);
    return events->texts ? events : NULL;
}

int kt_google_events_add(struct kt_google_events *events, const char *text, size_t size)
{
    struct raw *raw = talloc_zero(events, struct raw);
    struct kt_json json;
    struct kt_json_text name, token = {.start = NULL};
    int result = raw && make_room(raw) ? 0 : -ENOMEM;

    kt_json_begin(&json, text, size);
    if (result == 0 && !kt_json_enter_object(&json))
        result = -EBADMSG;
    while (result == 0 && kt_json_next_member(&json, &name)) {
        if (kt_json_text_is(&name, "nextPageToken")) {
            kt_json_take_text(&json, &token);
        } else if (kt_json_text_is(&name, "items") && kt_json_enter_array(&json)) {
            while (result == 0 && kt_json_next_element(&json)) {
                read_raw(&json, raw);
                if (!json.is_broken)
                    result = add_event(events, raw);
            }
        } else if (!kt_json_text_is(&name, "items")) {
            kt_json_skip(&json);
        }
    }
    talloc_free(raw);
    if (result < 0)
        return result;
    if (!kt_json_is_complete(&json) ||
        !kt_json_text_copy(&token, events->next_page, sizeof(events->next_page)))
        return -EBADMSG;
    return 0;
}
