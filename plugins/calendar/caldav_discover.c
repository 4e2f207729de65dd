/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From an address to calendars, by what servers say of themselves (RFC 6764, RFC 5397, RFC 4791):
 * who the person is to the server, where their home is, and which calendars are in it. Person and
 * home may be on other servers than the one that was entered, if these are reached by https.
 */
#include "caldav.h"

#include "dav.h"
#include "google_fetch.h"

#include <errno.h>
#include <kontor/process.h>
#include <string.h>
#include <strings.h>

#define BEGIN "<?xml version=\"1.0\" encoding=\"utf-8\"?>"
#define SPACES " xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\""

/** A discovery on its way. */
struct search {
    TALLOC_CTX *context;
    const struct kt_service *service;
    struct kt_connection *connection;
    struct kt_dav_login login;
    int64_t deadline_ms;
    const char *principal, *home; /* addresses, once known */
    bool is_unprotected;          /* an address was named to which the password can't go */
};

static int ask(const struct search *search, const char *url, int depth, const char *body,
               struct kt_dav_resources *ret_resources, const char **ret_url,
               struct kt_source_error *error)
{
    const struct kt_dav_question question = {
        .method = "PROPFIND",
        .url = url,
        .body = body,
        .depth = depth,
        .size_max = search->service->google.answer_size_max,
        .deadline_ms = search->deadline_ms,
    };

    return kt_dav_ask(search->context, &search->login, &question, ret_resources, ret_url, error);
}

/** Calendars for tasks or journals only are of no use here. */
static bool has_events(const struct kt_dav_resource *resource)
{
    return resource->is_calendar && (!resource->has_components || resource->has_events);
}

static void add_calendar(const struct search *search, const char *url, const char *name)
{
    struct kt_google_calendars *calendars = &search->connection->calendars;

    if (calendars->count == KT_GOOGLE_CALENDARS_MAX)
        return;
    calendars->items = kt_must(talloc_realloc(search->context, calendars->items,
                                              struct kt_google_calendar, calendars->count + 1));
    calendars->items[calendars->count++] =
        (struct kt_google_calendar){.id = url, .name = name ? name : url, .is_chosen = true};
}

/** The address of what a property names. @return NULL: it can't be followed, or there is none */
static const char *follow(struct search *search, const char *base, const char *href)
{
    const char *url = href ? kt_dav_place(search->context, base, href) : NULL;

    if (href && !url && strncasecmp(href, "http://", 7) == 0)
        search->is_unprotected = true;
    return url;
}

/** Look at one address. @return whether it leads on; or the error of why it can't be looked at */
static int look_at(struct search *search, const char *url, bool *ret_leads_on,
                   struct kt_source_error *error)
{
    static const char body[] =
        BEGIN "<D:propfind" SPACES "><D:prop><D:resourcetype/><D:displayname/>"
              "<D:current-user-principal/><C:calendar-home-set/>"
              "<C:supported-calendar-component-set/></D:prop></D:propfind>";
    struct kt_dav_resources resources;
    const char *base;
    int result = ask(search, url, 0, body, &resources, &base, error);

    *ret_leads_on = false;
    if (result < 0 || resources.count == 0)
        return result;
    search->principal = follow(search, base, resources.items[0].principal);
    search->home = follow(search, base, resources.items[0].home);
    if (has_events(&resources.items[0]))
        add_calendar(search, base, resources.items[0].name);
    *ret_leads_on = search->principal || search->home || search->connection->calendars.count > 0;
    return 0;
}

/** What was entered, then where servers say that they are, then the root. */
static int find_entrance(struct search *search, struct kt_source_error *error)
{
    const char *address = search->connection->address;
    const char *const places[] = {address,
                                  kt_dav_resolve(search->context, address, "/.well-known/caldav"),
                                  kt_dav_resolve(search->context, address, "/")};
    bool leads_on = false;
    int first = 0;

    for (size_t index = 0; index < sizeof(places) / sizeof(*places) && !leads_on; index++) {
        struct kt_source_error other = {.trouble = KT_TROUBLE_NONE};
        int result = places[index] ? look_at(search, places[index], &leads_on, &other) : 0;

        if (index == 0) {
            first = result;
            *error = other;
        }
        if (result < 0 && other.trouble != KT_TROUBLE_GONE && other.trouble != KT_TROUBLE_DENIED) {
            *error = other;
            return result;
        }
    }
    if (leads_on)
        return 0;
    return first < 0 ? first
                     : kt_source_fail(error, KT_TROUBLE_GONE,
                                      "there is a server at this address, but no calendar");
}

/** Who the person is to the server: their addresses, and where their calendars are. */
static int read_principal(struct search *search, struct kt_source_error *error)
{
    static const char body[] = BEGIN "<D:propfind" SPACES "><D:prop><C:calendar-home-set/>"
                                     "<C:calendar-user-address-set/></D:prop></D:propfind>";
    struct kt_dav_resources resources;
    const char *base, *home;
    char *owners = kt_must(talloc_strdup(search->context, ""));
    int result = ask(search, search->principal, 0, body, &resources, &base, error);

    if (result < 0)
        return result;
    home = resources.count > 0 ? follow(search, base, resources.items[0].home) : NULL;
    if (home)
        search->home = home;
    for (uint32_t index = 0; resources.count > 0 && index < resources.items[0].address_count;
         index++) {
        const char *address = resources.items[0].addresses[index];

        if (strncasecmp(address, "mailto:", 7) == 0 && !strpbrk(address, " \t\r\n"))
            owners =
                kt_must(talloc_asprintf_append(owners, "%s%s", *owners ? " " : "", address + 7));
    }
    search->connection->owners = owners;
    return 0;
}

static int list_calendars(struct search *search, struct kt_source_error *error)
{
    static const char body[] =
        BEGIN "<D:propfind" SPACES "><D:prop><D:resourcetype/><D:displayname/>"
              "<C:supported-calendar-component-set/></D:prop></D:propfind>";
    struct kt_dav_resources resources;
    const char *base;
    int result = ask(search, search->home, 1, body, &resources, &base, error);

    if (result < 0)
        return result;
    for (uint32_t index = 0; index < resources.count; index++) {
        const struct kt_dav_resource *resource = &resources.items[index];
        const char *url = resource->href && has_events(resource)
                              ? kt_dav_resolve(search->context, base, resource->href)
                              : NULL;

        if (url)
            add_calendar(search, url, resource->name);
    }
    return 0;
}

int kt_caldav_discover(TALLOC_CTX *context, const struct kt_service *service,
                       struct kt_connection *connection, int64_t deadline_ms,
                       struct kt_source_error *error)
{
    struct search search = {.context = context,
                            .service = service,
                            .connection = connection,
                            .login = {connection->login, connection->password},
                            .deadline_ms = deadline_ms};
    int result = find_entrance(&search, error);

    if (result == 0 && search.principal)
        result = read_principal(&search, error);
    /* Who entered one calendar wants that one. */
    if (result == 0 && connection->calendars.count == 0 && search.home)
        result = list_calendars(&search, error);
    if (result == 0 && connection->calendars.count == 0)
        result = kt_source_fail(error, KT_TROUBLE_GONE,
                                "the server knows the person, but no calendar of theirs");
    if (result < 0 && error->trouble == KT_TROUBLE_GONE && search.is_unprotected)
        result = kt_source_fail(error, KT_TROUBLE_DENIED,
                                "the server says that the calendars are on another one, to which "
                                "the password would go unprotected; its address has to begin with "
                                "https://");
    connection->list_ms = kt_unix_ms();
    return result;
}
