/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From DTSTART, DTEND, DURATION, RECURRENCE-ID, EXDATE and RDATE to moments and spans. Of libical's
 * time values only the fields are used; zones are looked up by their TZID.
 */
#include "ics_times.h"
#include "civil.h"

#include <errno.h>

/** The longest event that is taken at its word, in days: a hundred years. */
#define SPAN_DAYS_MAX 36525

/** @return 0 or -EBADMSG: no time that exists */
static int read_moment(struct kt_ics_reader *reader, icalproperty *property,
                       struct icaltimetype time, struct kt_moment *ret_moment)
{
    icalparameter *parameter = icalproperty_get_first_parameter(property, ICAL_TZID_PARAMETER);
    const char *tzid = parameter ? icalparameter_get_tzid(parameter) : NULL;

    if (time.year < KT_YEAR_MIN || time.year > KT_YEAR_MAX || time.month < 1 || time.month > 12 ||
        time.day < 1 || time.day > (int)kt_month_length(time.year, (uint32_t)time.month))
        return -EBADMSG;
    ret_moment->local =
        (int64_t)kt_day_from_date(time.year, (uint32_t)time.month, (uint32_t)time.day) *
        KT_DAY_SECONDS;
    ret_moment->zone = NULL;
    if (time.is_date) {
        ret_moment->form = KT_MOMENT_DATE;
        return 0;
    }
    if (time.hour < 0 || time.hour > 23 || time.minute < 0 || time.minute > 59 || time.second < 0 ||
        time.second > 60)
        return -EBADMSG;
    ret_moment->local += time.hour * 3600 + time.minute * 60 + time.second;
    if (icaltime_is_utc(time)) {
        ret_moment->form = KT_MOMENT_UTC;
    } else if (tzid && *tzid) {
        ret_moment->form = KT_MOMENT_ZONED;
        ret_moment->zone = kt_ics_event_zone(reader, tzid);
    } else {
        ret_moment->form = KT_MOMENT_FLOATING;
    }
    return 0;
}

static int64_t to_instant(struct kt_ics_reader *reader, const struct kt_moment *moment)
{
    const struct kt_zone *zone =
        moment->form == KT_MOMENT_ZONED ? moment->zone : kt_ics_zones_find(reader->zones, NULL);

    return moment->form == KT_MOMENT_UTC ? moment->local : kt_zone_to_instant(zone, moment->local);
}

/** What DTEND says: exact; days for dates. An end before the start counts as none. */
static struct kt_span span_between(struct kt_ics_reader *reader, const struct kt_moment *start,
                                   const struct kt_moment *end)
{
    struct kt_moment last = *end;
    struct kt_span span = {.days = 0};

    if (start->form == KT_MOMENT_DATE) {
        span.days = kt_local_day(end->local) - kt_local_day(start->local);
        return span;
    }
    if (last.form == KT_MOMENT_DATE) { /* a date ends a time: midnight where the event is */
        last.form = start->form;
        last.zone = start->zone;
    }
    if (last.form == KT_MOMENT_FLOATING && start->form == KT_MOMENT_FLOATING) {
        span.seconds = last.local - start->local;
        span.is_wall = true;
    } else {
        span.seconds = to_instant(reader, &last) - to_instant(reader, start);
    }
    return span;
}

/** What DURATION says: weeks and days are nominal, the rest is exact. */
static struct kt_span span_of(struct icaldurationtype duration, bool is_date)
{
    struct kt_span span = {.days = 0};

    if (duration.is_neg)
        return span;
    span.days = (int64_t)duration.weeks * 7 + duration.days;
    span.seconds =
        (int64_t)duration.hours * 3600 + (int64_t)duration.minutes * 60 + duration.seconds;
    if (is_date) {
        span.days += span.seconds / KT_DAY_SECONDS;
        span.seconds = 0;
    }
    return span;
}

/** Into its bounds: an all-day event has one day at least, nothing lasts longer than the limit. */
static struct kt_span bounded(struct kt_span span, bool is_date)
{
    if (span.days < (is_date ? 1 : 0))
        span.days = is_date ? 1 : 0;
    if (span.days > SPAN_DAYS_MAX)
        span.days = SPAN_DAYS_MAX;
    if (span.seconds < 0)
        span.seconds = 0;
    if (span.seconds > (int64_t)SPAN_DAYS_MAX * KT_DAY_SECONDS)
        span.seconds = (int64_t)SPAN_DAYS_MAX * KT_DAY_SECONDS;
    return span;
}

int kt_ics_times_read(struct kt_ics_reader *reader, icalcomponent *component,
                      struct kt_entry *entry)
{
    icalproperty *start = icalcomponent_get_first_property(component, ICAL_DTSTART_PROPERTY);
    icalproperty *end = icalcomponent_get_first_property(component, ICAL_DTEND_PROPERTY);
    icalproperty *duration = icalcomponent_get_first_property(component, ICAL_DURATION_PROPERTY);
    icalproperty *replaces =
        icalcomponent_get_first_property(component, ICAL_RECURRENCEID_PROPERTY);
    icalparameter *range;
    struct kt_moment moment;
    bool is_date;

    if (replaces && read_moment(reader, replaces, icalproperty_get_recurrenceid(replaces),
                                &entry->replaces) == 0) {
        range = icalproperty_get_first_parameter(replaces, ICAL_RANGE_PARAMETER);
        entry->is_override = true;
        entry->is_range = range && icalparameter_get_range(range) == ICAL_RANGE_THISANDFUTURE;
    }
    if (!start || read_moment(reader, start, icalproperty_get_dtstart(start), &entry->start) < 0) {
        /* A cancelled instance needs no start of its own. */
        if (!entry->is_override)
            return -EBADMSG;
        entry->start = entry->replaces;
    }
    is_date = entry->start.form == KT_MOMENT_DATE;
    if (end && read_moment(reader, end, icalproperty_get_dtend(end), &moment) == 0)
        entry->span = span_between(reader, &entry->start, &moment);
    else if (duration)
        entry->span = span_of(icalproperty_get_duration(duration), is_date);
    entry->span = bounded(entry->span, is_date);
    return 0;
}

static int read_exclusions(struct kt_ics_reader *reader, icalcomponent *component,
                           struct kt_entry *entry)
{
    int count = icalcomponent_count_properties(component, ICAL_EXDATE_PROPERTY);
    icalproperty *property = icalcomponent_get_first_property(component, ICAL_EXDATE_PROPERTY);

    if (count == 0)
        return 0;
    entry->exclusions = talloc_array(reader->owner, struct kt_moment, (unsigned)count);
    if (!entry->exclusions)
        return -ENOMEM;
    for (; property && entry->exclusion_count < KT_ICS_DATES_MAX;
         property = icalcomponent_get_next_property(component, ICAL_EXDATE_PROPERTY)) {
        if (read_moment(reader, property, icalproperty_get_exdate(property),
                        &entry->exclusions[entry->exclusion_count]) == 0)
            entry->exclusion_count++;
    }
    return 0;
}

/** One value of RDATE: a time, or a period with its own end or duration. */
static int read_addition(struct kt_ics_reader *reader, icalproperty *property,
                         struct kt_addition *addition)
{
    struct icaldatetimeperiodtype value = icalproperty_get_rdate(property);
    struct kt_moment end;

    addition->has_span = !icalperiodtype_is_null_period(value.period);
    if (!addition->has_span)
        return read_moment(reader, property, value.time, &addition->start);
    if (read_moment(reader, property, value.period.start, &addition->start) < 0)
        return -EBADMSG;
    if (!icaltime_is_null_time(value.period.end)) {
        if (read_moment(reader, property, value.period.end, &end) < 0)
            return -EBADMSG;
        addition->span = bounded(span_between(reader, &addition->start, &end), false);
    } else {
        addition->span = bounded(span_of(value.period.duration, false), false);
    }
    return 0;
}

static int read_additions(struct kt_ics_reader *reader, icalcomponent *component,
                          struct kt_entry *entry)
{
    int count = icalcomponent_count_properties(component, ICAL_RDATE_PROPERTY);
    icalproperty *property = icalcomponent_get_first_property(component, ICAL_RDATE_PROPERTY);

    if (count == 0)
        return 0;
    entry->additions = talloc_zero_array(reader->owner, struct kt_addition, (unsigned)count);
    if (!entry->additions)
        return -ENOMEM;
    for (; property && entry->addition_count < KT_ICS_DATES_MAX;
         property = icalcomponent_get_next_property(component, ICAL_RDATE_PROPERTY)) {
        if (read_addition(reader, property, &entry->additions[entry->addition_count]) == 0)
            entry->addition_count++;
    }
    return 0;
}

int kt_ics_dates_read(struct kt_ics_reader *reader, icalcomponent *component,
                      struct kt_entry *entry)
{
    int result = read_exclusions(reader, component, entry);

    return result < 0 ? result : read_additions(reader, component, entry);
}
