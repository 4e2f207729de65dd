/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rooms and other resources are no people, nor are shared calendars, which Google names as the
 * organisers of what is in them. Who declined wasn't there. The owner is known by address.
 */
#include "ics_people.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <strings.h>

/** An attendee as found, before it is decided who counts. */
struct attendee {
    const char *address, *name;
    bool is_owner, is_resource, has_declined;
    icalparameter_partstat answer;
};

/** Addresses under these domains are calendars and rooms. */
static const char *const resource_domains[] = {"@resource.calendar.google.com",
                                               "@group.calendar.google.com"};

static bool is_resource_address(const char *address)
{
    for (size_t index = 0; index < sizeof(resource_domains) / sizeof(resource_domains[0]);
         index++) {
        if (g_str_has_suffix(address, resource_domains[index]))
            return true;
    }
    return false;
}

static bool is_listed(const char *const *owners, const char *address)
{
    for (; *owners; owners++) {
        if (strcmp(*owners, address) == 0)
            return true;
    }
    return false;
}

static bool is_owner(const struct kt_ics_reader *reader, const char *address)
{
    const char *const *owners = reader->options->owners;
    bool goes_by_file = !owners[0] || (reader->options->file_comes_first && reader->file_owner &&
                                       !is_listed(owners, reader->file_owner));

    if (goes_by_file)
        return reader->file_owner && strcmp(reader->file_owner, address) == 0;
    return is_listed(owners, address);
}

/** The e-mail address of a calendar user: mailto: off, lower case; or EMAIL=, or the URI itself. */
static const char *read_address(struct kt_ics_reader *reader, const icalproperty *property,
                                const char *uri)
{
    icalparameter *parameter =
        icalproperty_get_first_parameter((icalproperty *)property, ICAL_EMAIL_PARAMETER);
    const char *email = parameter ? icalparameter_get_email(parameter) : NULL;
    const char *address;
    char *lower;

    if (strncasecmp(uri, "mailto:", 7) == 0)
        uri += 7;
    else if (email)
        uri = email;
    lower = g_strstrip(g_ascii_strdown(uri, -1));
    address = kt_text_pool_add(reader->texts, lower);
    g_free(lower);
    return address;
}

static const char *read_name(struct kt_ics_reader *reader, icalproperty *property,
                             const char *address)
{
    icalparameter *parameter = icalproperty_get_first_parameter(property, ICAL_CN_PARAMETER);
    const char *name = parameter ? icalparameter_get_cn(parameter) : NULL;

    return name && *name ? kt_text_pool_add(reader->texts, name) : address;
}

static bool is_resource(icalproperty *property)
{
    icalparameter *parameter = icalproperty_get_first_parameter(property, ICAL_CUTYPE_PARAMETER);
    icalparameter_cutype type = parameter ? icalparameter_get_cutype(parameter) : ICAL_CUTYPE_NONE;

    return type == ICAL_CUTYPE_ROOM || type == ICAL_CUTYPE_RESOURCE;
}

/** @return 0, -EINVAL (no address), -ENOMEM */
static int read_attendee(struct kt_ics_reader *reader, icalproperty *property, const char *uri,
                         struct attendee *ret_attendee)
{
    icalparameter *parameter = icalproperty_get_first_parameter(property, ICAL_PARTSTAT_PARAMETER);

    if (!uri || !*uri)
        return -EINVAL;
    ret_attendee->address = read_address(reader, property, uri);
    if (!ret_attendee->address)
        return -ENOMEM;
    if (!*ret_attendee->address)
        return -EINVAL;
    ret_attendee->name = read_name(reader, property, ret_attendee->address);
    if (!ret_attendee->name)
        return -ENOMEM;
    ret_attendee->is_owner = is_owner(reader, ret_attendee->address);
    ret_attendee->is_resource = is_resource(property) || is_resource_address(ret_attendee->address);
    ret_attendee->answer =
        parameter ? icalparameter_get_partstat(parameter) : ICAL_PARTSTAT_NEEDSACTION;
    ret_attendee->has_declined = ret_attendee->answer == ICAL_PARTSTAT_DECLINED ||
                                 ret_attendee->answer == ICAL_PARTSTAT_DELEGATED;
    return 0;
}

static enum kt_answer owner_answer(icalparameter_partstat answer, bool is_organizer)
{
    switch (answer) {
    case ICAL_PARTSTAT_DECLINED:
    case ICAL_PARTSTAT_DELEGATED:
        return KT_ANSWER_DECLINED;
    case ICAL_PARTSTAT_TENTATIVE:
        return KT_ANSWER_TENTATIVE;
    case ICAL_PARTSTAT_NEEDSACTION:
    case ICAL_PARTSTAT_NONE:
        return is_organizer ? KT_ANSWER_ACCEPTED : KT_ANSWER_NONE;
    default:
        return KT_ANSWER_ACCEPTED;
    }
}

/** All attendees, with the organiser first when not among them; later repetitions are dropped. */
static int read_all(struct kt_ics_reader *reader, icalcomponent *event, struct attendee *attendees,
                    uint32_t *ret_count, struct attendee *ret_organizer)
{
    icalproperty *property = icalcomponent_get_first_property(event, ICAL_ORGANIZER_PROPERTY);
    GHashTable *seen = g_hash_table_new(g_str_hash, g_str_equal);
    struct attendee organizer = {.address = NULL};
    uint32_t count = 0;
    int result = 0;

    if (property)
        result = read_attendee(reader, property, icalproperty_get_organizer(property), &organizer);
    *ret_organizer = organizer;
    property = icalcomponent_get_first_property(event, ICAL_ATTENDEE_PROPERTY);
    while (property && result != -ENOMEM && count < KT_ICS_ATTENDEES_MAX) {
        result =
            read_attendee(reader, property, icalproperty_get_attendee(property), &attendees[count]);
        if (result == 0 && g_hash_table_add(seen, (gpointer)(uintptr_t)attendees[count].address))
            count++;
        property = icalcomponent_get_next_property(event, ICAL_ATTENDEE_PROPERTY);
    }
    if (result != -ENOMEM && organizer.address && !g_hash_table_contains(seen, organizer.address))
        attendees[count++] = organizer;
    g_hash_table_destroy(seen);
    *ret_count = count;
    return result == -ENOMEM ? result : 0;
}

int kt_ics_people_read(struct kt_ics_reader *reader, icalcomponent *event,
                       struct kt_details *details)
{
    int invited = icalcomponent_count_properties(event, ICAL_ATTENDEE_PROPERTY);
    struct attendee *attendees;
    struct kt_person *people;
    struct attendee organizer = {.address = NULL};
    uint32_t count;
    int result = -ENOMEM;

    if (invited > KT_ICS_ATTENDEES_MAX)
        kt_warnings_add(reader->owner, reader->warnings,
                        "“%.80s” has %d attendees; only %d of them are counted.", details->summary,
                        invited, KT_ICS_ATTENDEES_MAX);
    if (invited > KT_ICS_ATTENDEES_MAX)
        invited = KT_ICS_ATTENDEES_MAX;
    attendees = g_new0(struct attendee, (size_t)invited + 1);
    result = read_all(reader, event, attendees, &count, &organizer);
    details->is_organizer = organizer.address && organizer.is_owner;
    people = result == 0 && count > 0 ? talloc_array(reader->owner, struct kt_person, count) : NULL;
    if (result == 0 && count > 0 && !people)
        result = -ENOMEM;
    for (uint32_t index = 0; result == 0 && index < count; index++) {
        const struct attendee *attendee = &attendees[index];

        if (attendee->is_resource)
            continue;
        details->attendee_count++;
        if (attendee->is_owner)
            details->answer = owner_answer(attendee->answer, details->is_organizer);
        if (!attendee->is_owner && !attendee->has_declined) {
            if (organizer.address && strcmp(organizer.address, attendee->address) == 0)
                details->organizer = attendee->address;
            people[details->people_count++] = (struct kt_person){attendee->address, attendee->name};
        }
    }
    details->people = people;
    g_free(attendees);
    return result;
}
