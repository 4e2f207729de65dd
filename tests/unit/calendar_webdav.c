/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: calendars of CalDAV servers would not be found, or a server could do harm, or the
 * password could go to somebody else. */
#include "inside.h"

#include "calendar/dav_address.h"
#include "calendar/dav_xml.h"

#define BEGIN                                                                                      \
    "<?xml version=\"1.0\"?><m:multistatus xmlns:m=\"DAV:\" "                                      \
    "xmlns:c=\"urn:ietf:params:xml:ns:caldav\">"
#define END "</m:multistatus>"
#define HOME                                                                                       \
    BEGIN "<m:response><m:href> /ada/work/ </m:href><m:propstat><m:prop><m:resourcetype>"          \
          "<m:collection/><c:calendar/></m:resourcetype><m:displayname>A &amp; B</m:displayname>"  \
          "<c:supported-calendar-component-set><c:comp name=\"VTODO\"/><c:comp name=\"VEVENT\"/>"  \
          "</c:supported-calendar-component-set><c:calendar-home-set><m:href>/ada/</m:href>"       \
          "<m:href>/other/</m:href></c:calendar-home-set><m:current-user-principal><m:href>"       \
          "/principals/ada/</m:href></m:current-user-principal><c:calendar-user-address-set>"      \
          "<m:href>mailto:a@example.org</m:href><m:href>/principals/ada/</m:href>"                 \
          "</c:calendar-user-address-set></m:prop></m:propstat></m:response>"                      \
          "<m:response><m:href>/ada/todo/</m:href><m:propstat><m:prop><c:calendar/>"               \
          "<c:supported-calendar-component-set><c:comp name=\"VTODO\"/>"                           \
          "</c:supported-calendar-component-set><c:calendar-data><![CDATA[BEGIN:VCALENDAR\r\n"     \
          "A&B]]></c:calendar-data></m:prop></m:propstat></m:response>" END

static void properties_are_read(void **state)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_dav_resources resources;
    const struct kt_dav_resource *resource;

    (void)state;
    assert_int_equal(kt_dav_read(memory, HOME, strlen(HOME), &resources), 0);
    assert_int_equal(resources.count, 2);
    resource = &resources.items[0];
    assert_string_equal(resource->href, "/ada/work/");
    assert_string_equal(resource->name, "A & B");
    assert_string_equal(resource->home, "/ada/");
    assert_string_equal(resource->principal, "/principals/ada/");
    assert_int_equal(resource->address_count, 2);
    assert_string_equal(resource->addresses[0], "mailto:a@example.org");
    assert_true(resource->is_calendar && resource->has_components && resource->has_events);
    resource = &resources.items[1];
    assert_false(resource->is_calendar); /* it isn't in the resource type */
    assert_true(resource->has_components && !resource->has_events);
    assert_string_equal(resource->data, "BEGIN:VCALENDAR\nA&B");
    assert_int_equal(resource->data_size, strlen(resource->data));
    talloc_free(memory);
}

static void cut_answers_are_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size < strlen(HOME); size++) {
        TALLOC_CTX *memory = talloc_new(NULL);
        struct kt_dav_resources resources;
        char *text = malloc(size + 1);

        memcpy(text, HOME, size);
        assert_int_equal(kt_dav_read(memory, text, size, &resources), -EBADMSG);
        free(text);
        talloc_free(memory);
    }
}

static void hostile_answers_are_refused(void **state)
{
    static const char *const hostile[] = {
        "<!DOCTYPE m><m:multistatus xmlns:m=\"DAV:\"/>",
        "<!DOCTYPE a [<!ENTITY a \"b\">]><a>&a;</a>",
        "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
        BEGIN "<m:response><m:href>&unknown;</m:href></m:response>" END,
        BEGIN "<m:response></m:href></m:response>" END,
        BEGIN "\x01" END,
        "<a:b/>",
    };
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_dav_resources resources;
    char *text = talloc_strdup(memory, BEGIN);

    (void)state;
    for (size_t index = 0; index < sizeof(hostile) / sizeof(*hostile); index++)
        assert_int_equal(kt_dav_read(memory, hostile[index], strlen(hostile[index]), &resources),
                         -EBADMSG);
    for (uint32_t count = 0; count <= KT_DAV_RESOURCES_MAX; count++)
        text = talloc_strdup_append_buffer(text, "<m:response/>");
    text = talloc_strdup_append_buffer(text, END);
    assert_int_equal(kt_dav_read(memory, text, strlen(text), &resources), -E2BIG);
    text = talloc_strdup(memory, "");
    for (int depth = 0; depth < 1000; depth++)
        text = talloc_strdup_append_buffer(text, "<a>");
    assert_int_equal(kt_dav_read(memory, text, strlen(text), &resources), -E2BIG);
    talloc_free(memory);
}

/** Where an href leads, as a place of the person's and as a resource; NULL: nowhere. */
struct address {
    const char *base, *href, *place, *resource;
};

#define SAME(base, href, url)                                                                      \
    {                                                                                              \
        base, href, url, url                                                                       \
    }
#define NOWHERE(base, href)                                                                        \
    {                                                                                              \
        base, href, NULL, NULL                                                                     \
    }

static void assert_leads(const char *expected, const char *url, const struct address *address)
{
    if (!expected != !url || (url && strcmp(expected, url) != 0))
        fail_msg("%s in an answer of %s leads to %s", address->href, address->base,
                 url ? url : "nowhere");
}

static void addresses_lead_where_the_password_may_go(void **state)
{
    static const char icloud[] = "https://p42-caldav.icloud.com/1/calendars/";
    static const struct address addresses[] = {
        SAME("https://h/a?b", "/c/?d=https://e", "https://h/c/?d=https://e"),
        SAME("https://h/", "https://h:443/c/", "https://h/c/"),
        SAME("https://h:443/", "HTTPS://H/c/", "https://h/c/"),
        SAME("http://h:80/", "http://h/c/", "http://h/c/"),
        SAME("http://h:8008/", "/c/", "http://h:8008/c/"),
        SAME("https://h/", "https://h", "https://h/"),
        SAME("https://h/", "https://h?x", "https://h/?x"),
        SAME("https://[::1]:8443/a", "https://[0:0::1]:8443/c/", "https://[::1]:8443/c/"),
        SAME("https://b\xc3\xbc"
             "cher.example/",
             "https://xn--bcher-kva.example/c", "https://xn--bcher-kva.example/c"),
        /* another server: only who a person is, and where their calendars are, and only by https */
        {"https://caldav.icloud.com/1/principal/", "https://p42-caldav.icloud.com:443/1/calendars/",
         icloud, NULL},
        {"http://h/", "https://h/c/", "https://h/c/", NULL},
        {"https://h/", "https://h:8443/c/", "https://h:8443/c/", NULL},
        NOWHERE("https://h/", "http://h/c/"),
        NOWHERE("https://h/", "http://h:443/c/"),
        NOWHERE("https://h/", "http://other/c/"),
        NOWHERE("http://h/", "http://other/c/"),
        NOWHERE("http://h/", "http://h:8080/c/"),
        /* what isn't an address, or could be read in two ways */
        NOWHERE("https://h/", "//other/c/"),
        NOWHERE("https://h/", "c/"),
        NOWHERE("https://h/", ""),
        NOWHERE("https://h/", "ftp://h/c/"),
        NOWHERE("https://h/", "file:///etc/passwd"),
        NOWHERE("https://h/", "https://h@other/"),
        NOWHERE("https://h/", "https://h:x@other/"),
        NOWHERE("https://h/", "https://other\\@h/"),
        NOWHERE("https://h/", "https://"),
        NOWHERE("https://h/", "https://h:port/"),
        NOWHERE("h", "/c/"),
    };
    TALLOC_CTX *memory = talloc_new(NULL);

    (void)state;
    for (size_t index = 0; index < sizeof(addresses) / sizeof(*addresses); index++) {
        const struct address *address = &addresses[index];

        assert_leads(address->place, kt_dav_place(memory, address->base, address->href), address);
        assert_leads(address->resource, kt_dav_resolve(memory, address->base, address->href),
                     address);
    }
    talloc_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(properties_are_read),
        cmocka_unit_test(cut_answers_are_refused),
        cmocka_unit_test(hostile_answers_are_refused),
        cmocka_unit_test(addresses_lead_where_the_password_may_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
