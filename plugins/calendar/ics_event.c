/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of a VEVENT that matter are collected and, at its end, parsed by libical one property
 * at a time; rules are read by rule.c from their own text. libical shares tables between threads,
 * so one thread at a time is in here.
 */
#include "ics_event.h"
#include "ics_people.h"
#include "ics_times.h"

#include <errno.h>
#include <glib.h>
#include <kontor/process.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

/** Properties that the breakdown needs; all others are passed over unread. */
static const char *const wanted[] = {
    "UID",           "SUMMARY",  "DTSTART",  "DTEND",     "DURATION",
    "RDATE",         "EXDATE",   "STATUS",   "TRANSP",    "CATEGORIES",
    "RECURRENCE-ID", "SEQUENCE", "ATTENDEE", "ORGANIZER", "X-MICROSOFT-CDO-BUSYSTATUS",
};

static pthread_mutex_t libical_lock = PTHREAD_MUTEX_INITIALIZER;

struct kt_ics_event {
    char **lines; /* what libical is to parse */
    char **rules; /* values of RRULE */
    size_t line_count, rule_count;
    size_t value_count; /* of lines; more than these, since some are lists */
    bool has_unread; /* too many lines, a line that is too long, a property that isn't supported */
};

struct kt_ics_event *kt_ics_event_begin(TALLOC_CTX *context)
{
    return talloc_zero(context, struct kt_ics_event);
}

static bool is_wanted(const struct kt_ics_line *line)
{
    for (size_t index = 0; index < sizeof(wanted) / sizeof(wanted[0]); index++) {
        if (kt_ics_line_is(line, wanted[index]))
            return true;
    }
    return false;
}

static int push_text(struct kt_ics_event *event, char ***list, size_t *count, const char *text)
{
    /* Grown in powers of two: a list is full when its count is one. */
    if ((*count & (*count - 1)) == 0) {
        char **grown = talloc_realloc(event, *list, char *, (unsigned)(*count ? *count * 2 : 1));

        if (!grown)
            return -ENOMEM;
        *list = grown;
    }
    (*list)[*count] = talloc_strdup(*list, text);
    return (*list)[(*count)++] ? 0 : -ENOMEM;
}

/** How many properties libical makes of a line: one for each value of a list. */
static size_t count_values(const struct kt_ics_line *line)
{
    static const char *const lists[] = {"EXDATE", "RDATE", "CATEGORIES"};
    size_t count = 1, list = 0;

    while (list < sizeof(lists) / sizeof(lists[0]) && !kt_ics_line_is(line, lists[list]))
        list++;
    if (list < sizeof(lists) / sizeof(lists[0])) {
        for (const char *at = strchr(line->value, ','); at; at = strchr(at + 1, ','))
            count++;
    }
    return count;
}

int kt_ics_event_line(struct kt_ics_event *event, const struct kt_ics_line *line)
{
    if (!*line->value)
        return 0;
    if (kt_ics_line_is(line, "RRULE")) {
        if (event->rule_count < KT_ICS_EVENT_RULES_MAX)
            return push_text(event, &event->rules, &event->rule_count, line->value);
        event->has_unread = true;
    } else if (kt_ics_line_is(line, "EXRULE")) {
        event->has_unread = true; /* taken out of the standard in 2009 */
    } else if (is_wanted(line)) {
        bool is_text = kt_ics_line_is(line, "SUMMARY") || kt_ics_line_is(line, "CATEGORIES");

        event->value_count += count_values(line);
        if (event->value_count <= KT_ICS_EVENT_LINES_MAX && (!line->is_cut || is_text))
            return push_text(event, &event->lines, &event->line_count, line->text);
        event->has_unread = true;
    }
    return 0;
}

/* ---------------------------------------------------------------- rules */

static int read_rules(struct kt_ics_reader *reader, const struct kt_ics_event *event,
                      struct kt_entry *entry)
{
    struct kt_error problem;
    size_t count = event->rule_count;

    if (count == 0)
        return 0;
    if (count > 1 && (reader->further_rules += count - 1) > KT_ICS_FURTHER_RULES_MAX) {
        kt_warnings_add(reader->owner, reader->warnings,
                        "Too many events have several rules of repetition (RRULE): of some only "
                        "the first one is followed.");
        count = 1;
    }
    entry->rules = talloc_array(reader->owner, struct kt_rule, (unsigned)count);
    if (!entry->rules)
        return -ENOMEM;
    for (size_t index = 0; index < count; index++) {
        if (kt_rule_parse(event->rules[index], &entry->rules[entry->rule_count], &problem) == 0) {
            entry->rule_count++;
        } else {
            char *text = g_utf8_make_valid(problem.text, -1);

            kt_warnings_add(reader->owner, reader->warnings,
                            "The repetitions of “%.80s” are missing: %s.", entry->details.summary,
                            text);
            g_free(text);
        }
    }
    return 0;
}

/* ---------------------------------------------------------------- what it is */

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++) {
        if (strcasecmp(text, *words) == 0)
            return true;
    }
    return false;
}

/** The type that a category, or for focus time also the title, stands for. */
static enum kt_event_type word_type(const struct kt_ics_reader *reader, const char *word)
{
    static const char *const away[] = {"out of office", NULL};
    static const char *const location[] = {"working location", NULL};
    static const char *const birthday[] = {"birthday", "birthdays", "anniversary", NULL};

    if (is_one_of(word, reader->options->focus_words))
        return KT_EVENT_FOCUS_TIME;
    if (is_one_of(word, away))
        return KT_EVENT_OUT_OF_OFFICE;
    if (is_one_of(word, location))
        return KT_EVENT_WORKING_LOCATION;
    return is_one_of(word, birthday) ? KT_EVENT_BIRTHDAY : KT_EVENT_DEFAULT;
}

static void read_categories(const struct kt_ics_reader *reader, icalcomponent *component,
                            struct kt_details *details)
{
    icalproperty *property = icalcomponent_get_first_property(component, ICAL_CATEGORIES_PROPERTY);

    for (; property;
         property = icalcomponent_get_next_property(component, ICAL_CATEGORIES_PROPERTY)) {
        const char *value = icalproperty_get_categories(property);
        char **words = g_strsplit(value ? value : "", ",", 0);

        for (char **word = words; *word && details->type == KT_EVENT_DEFAULT; word++)
            details->type = word_type(reader, g_strstrip(*word));
        g_strfreev(words);
    }
}

/** Outlook's own word for what the calendar shows to others. */
static void read_busy_status(icalcomponent *component, struct kt_details *details)
{
    icalproperty *property = icalcomponent_get_first_property(component, ICAL_X_PROPERTY);

    for (; property; property = icalcomponent_get_next_property(component, ICAL_X_PROPERTY)) {
        const char *value = icalproperty_get_x(property);

        if (!value)
            continue;
        if (strcasecmp(value, "FREE") == 0)
            details->is_free = true;
        else if (strcasecmp(value, "OOF") == 0)
            details->type = KT_EVENT_OUT_OF_OFFICE;
        else if (strcasecmp(value, "WORKINGELSEWHERE") == 0)
            details->type = KT_EVENT_WORKING_LOCATION;
    }
}

static int read_details(struct kt_ics_reader *reader, icalcomponent *component,
                        struct kt_entry *entry)
{
    struct kt_details *details = &entry->details;
    icalproperty *property = icalcomponent_get_first_property(component, ICAL_SUMMARY_PROPERTY);
    const char *text = property ? icalproperty_get_summary(property) : NULL;
    char number[32];

    details->summary = kt_text_pool_add(reader->texts, text ? text : "");
    property = icalcomponent_get_first_property(component, ICAL_UID_PROPERTY);
    text = property ? icalproperty_get_uid(property) : NULL;
    if (!text || !*text) { /* a name of our own, that no other event has */
        g_snprintf(number, sizeof(number), "#%zu", reader->number);
        text = number;
    }
    details->uid = kt_text_pool_add(reader->texts, text);
    if (!details->summary || !details->uid)
        return -ENOMEM;
    property = icalcomponent_get_first_property(component, ICAL_TRANSP_PROPERTY);
    details->is_free = property && icalproperty_get_transp(property) == ICAL_TRANSP_TRANSPARENT;
    property = icalcomponent_get_first_property(component, ICAL_SEQUENCE_PROPERTY);
    entry->sequence = property ? icalproperty_get_sequence(property) : 0;
    read_categories(reader, component, details);
    read_busy_status(component, details);
    return kt_ics_people_read(reader, component, details);
}

/** What follows when all else is known: focus time by its title, a tentative event. */
static void conclude(struct kt_ics_reader *reader, icalcomponent *component, struct kt_entry *entry)
{
    icalproperty *property = icalcomponent_get_first_property(component, ICAL_STATUS_PROPERTY);
    icalproperty_status status = property ? icalproperty_get_status(property) : ICAL_STATUS_NONE;
    struct kt_details *details = &entry->details;

    entry->is_cancelled = status == ICAL_STATUS_CANCELLED;
    if (status == ICAL_STATUS_TENTATIVE && details->answer == KT_ANSWER_ACCEPTED)
        details->answer = KT_ANSWER_TENTATIVE;
    if (details->type == KT_EVENT_DEFAULT && details->people_count == 0 &&
        is_one_of(details->summary, reader->options->focus_words))
        details->type = KT_EVENT_FOCUS_TIME;
}

/* ---------------------------------------------------------------- the event */

static icalcomponent *parse(const struct kt_ics_event *event)
{
    icalparser *parser = icalparser_new();
    icalcomponent *component;
    char begin[] = "BEGIN:VEVENT", end[] = "END:VEVENT";

    if (!parser)
        return NULL;
    (void)icalparser_add_line(parser, begin);
    for (size_t index = 0; index < event->line_count; index++)
        (void)icalparser_add_line(parser, event->lines[index]);
    component = icalparser_add_line(parser, end);
    icalparser_free(parser);
    return component;
}

static int convert(struct kt_ics_reader *reader, const struct kt_ics_event *event,
                   icalcomponent *component, struct kt_entry *entry)
{
    int result = read_details(reader, component, entry);

    if (result < 0)
        return result;
    if (kt_ics_times_read(reader, component, entry) < 0) {
        kt_warnings_add(reader->owner, reader->warnings,
                        "“%.80s” has no start that can be read; it is left out.",
                        entry->details.summary);
        return -EBADMSG;
    }
    conclude(reader, component, entry);
    result = kt_ics_dates_read(reader, component, entry);
    if (result == 0)
        result = read_rules(reader, event, entry);
    if (event->has_unread || icalcomponent_count_errors(component) > 0 ||
        icalcomponent_count_properties(component, ICAL_EXDATE_PROPERTY) > KT_ICS_DATES_MAX ||
        icalcomponent_count_properties(component, ICAL_RDATE_PROPERTY) > KT_ICS_DATES_MAX)
        kt_warnings_add(reader->owner, reader->warnings,
                        "A part of “%.80s” could not be read; its times may be wrong.",
                        entry->details.summary);
    return result;
}

const struct kt_zone *kt_ics_event_zone(struct kt_ics_reader *reader, const char *tzid)
{
    const struct kt_zone *zone = kt_ics_zones_known(reader->zones, tzid);

    if (!zone) { /* it may have to be computed, and libical has no part in that */
        pthread_mutex_unlock(&libical_lock);
        zone = kt_ics_zones_find(reader->zones, tzid);
        pthread_mutex_lock(&libical_lock);
    }
    return zone;
}

int kt_ics_event_end(struct kt_ics_reader *reader, struct kt_ics_event *event,
                     struct kt_entry *ret_entry)
{
    icalcomponent *component;
    int result = -ENOMEM;

    memset(ret_entry, 0, sizeof(*ret_entry));
    ret_entry->order = reader->number;
    if (!kt_work_is_wanted()) {
        talloc_free(event);
        return -ECANCELED;
    }
    pthread_mutex_lock(&libical_lock);
    icalerror_set_errors_are_fatal(0);
    component = parse(event);
    if (component) {
        result = convert(reader, event, component, ret_entry);
        icalcomponent_free(component);
    }
    pthread_mutex_unlock(&libical_lock);
    talloc_free(event);
    return result;
}
