/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expat calls back for each tag; where one is, is a stack of words. expat rather than libxml2: it
 * builds no tree, loads nothing, knows no XPath or XInclude, and is a tenth of its size.
 */
#include "dav_xml.h"

#include <errno.h>
#include <expat.h>
#include <string.h>

/** Elements in one another; answers have about eight. */
#define DEPTH_MAX 32
/** Between namespace and name: no URI of ours has it. */
#define SEPARATOR '|'

enum word {
    WORD_OTHER,
    WORD_RESPONSE,
    WORD_HREF,
    WORD_NAME,
    WORD_PRINCIPAL,
    WORD_HOME,
    WORD_ADDRESSES,
    WORD_TYPE,
    WORD_CALENDAR,
    WORD_COMPONENTS,
    WORD_COMPONENT,
    WORD_DATA,
};

#define DAV "DAV:|"
#define CALDAV "urn:ietf:params:xml:ns:caldav|"

static const struct {
    const char *name;
    enum word word;
} words[] = {
    {DAV "response", WORD_RESPONSE},
    {DAV "href", WORD_HREF},
    {DAV "displayname", WORD_NAME},
    {DAV "current-user-principal", WORD_PRINCIPAL},
    {DAV "resourcetype", WORD_TYPE},
    {CALDAV "calendar-home-set", WORD_HOME},
    {CALDAV "calendar-user-address-set", WORD_ADDRESSES},
    {CALDAV "calendar", WORD_CALENDAR},
    {CALDAV "supported-calendar-component-set", WORD_COMPONENTS},
    {CALDAV "comp", WORD_COMPONENT},
    {CALDAV "calendar-data", WORD_DATA},
};

struct reader {
    XML_Parser parser;
    TALLOC_CTX *context;
    struct kt_dav_resources *resources;
    uint32_t capacity;
    enum word stack[DEPTH_MAX];
    uint32_t depth;
    char *text; /* of the element that one is in, if it is wanted */
    size_t size, room;
    bool wants_text;
    int result;
};

static void stop(struct reader *reader, int result)
{
    reader->result = result;
    XML_StopParser(reader->parser, XML_FALSE);
}

static enum word find_word(const char *name)
{
    for (size_t index = 0; index < sizeof(words) / sizeof(*words); index++) {
        if (strcmp(words[index].name, name) == 0)
            return words[index].word;
    }
    return WORD_OTHER;
}

/** The word above the one that one is in. */
static enum word parent(const struct reader *reader)
{
    return reader->depth >= 2 ? reader->stack[reader->depth - 2] : WORD_OTHER;
}

static void begin_resource(struct reader *reader)
{
    struct kt_dav_resources *resources = reader->resources;

    if (resources->count == KT_DAV_RESOURCES_MAX) {
        stop(reader, -E2BIG);
        return;
    }
    if (resources->count == reader->capacity) {
        uint32_t wanted = reader->capacity ? reader->capacity * 2 : 16;
        struct kt_dav_resource *items =
            talloc_realloc(reader->context, resources->items, struct kt_dav_resource, wanted);

        if (!items) {
            stop(reader, -ENOMEM);
            return;
        }
        resources->items = items;
        reader->capacity = wanted;
    }
    memset(&resources->items[resources->count++], 0, sizeof(struct kt_dav_resource));
}

static void on_start(void *argument, const char *name, const char **attributes)
{
    struct reader *reader = argument;
    struct kt_dav_resource *resource;
    enum word word = find_word(name);

    if (reader->depth == DEPTH_MAX) {
        stop(reader, -E2BIG);
        return;
    }
    reader->stack[reader->depth++] = word;
    if (word == WORD_RESPONSE)
        begin_resource(reader);
    reader->wants_text = word == WORD_HREF || word == WORD_NAME || word == WORD_DATA;
    reader->size = 0;
    if (reader->resources->count == 0 || reader->result < 0)
        return;
    resource = &reader->resources->items[reader->resources->count - 1];
    if (word == WORD_CALENDAR && parent(reader) == WORD_TYPE)
        resource->is_calendar = true;
    if (word == WORD_COMPONENTS)
        resource->has_components = true;
    for (; word == WORD_COMPONENT && attributes[0]; attributes += 2) {
        if (strcmp(attributes[0], "name") == 0 && strcmp(attributes[1], "VEVENT") == 0)
            resource->has_events = true;
    }
}

static void on_text(void *argument, const char *text, int length)
{
    struct reader *reader = argument;
    size_t wanted = reader->size + (size_t)length + 1;

    if (!reader->wants_text)
        return;
    if (wanted > reader->room) {
        size_t room = wanted < 256 ? 256 : 2 * wanted;
        char *longer = talloc_realloc(reader->context, reader->text, char, (unsigned)room);

        if (!longer) {
            stop(reader, -ENOMEM);
            return;
        }
        reader->text = longer;
        reader->room = room;
    }
    memcpy(reader->text + reader->size, text, (size_t)length);
    reader->size += (size_t)length;
}

/** What was read of an element, without the white space around it; NULL: nothing. */
static const char *take_text(struct reader *reader, size_t *ret_size)
{
    static const char space[] = " \t\r\n";
    const char *start = reader->text;
    size_t size = reader->size;
    char *text;

    while (size > 0 && strchr(space, start[size - 1]))
        size--;
    while (size > 0 && strchr(space, *start)) {
        start++;
        size--;
    }
    *ret_size = size;
    if (size == 0)
        return NULL;
    text = talloc_strndup(reader->context, start, size);
    if (!text)
        stop(reader, -ENOMEM);
    return text;
}

static void take_href(struct reader *reader, struct kt_dav_resource *resource)
{
    enum word inside = parent(reader);
    size_t size;
    const char *text;

    if (inside != WORD_RESPONSE && inside != WORD_PRINCIPAL && inside != WORD_HOME &&
        inside != WORD_ADDRESSES)
        return;
    text = take_text(reader, &size);
    if (inside == WORD_RESPONSE && !resource->href)
        resource->href = text;
    else if (inside == WORD_PRINCIPAL && !resource->principal)
        resource->principal = text;
    else if (inside == WORD_HOME && !resource->home)
        resource->home = text;
    else if (inside == WORD_ADDRESSES && text && resource->address_count < KT_DAV_ADDRESSES_MAX)
        resource->addresses[resource->address_count++] = text;
}

static void on_end(void *argument, const char *name)
{
    struct reader *reader = argument;
    enum word word = reader->stack[reader->depth - 1];
    size_t size;

    (void)name;
    if (reader->wants_text && reader->resources->count > 0) {
        struct kt_dav_resource *resource = &reader->resources->items[reader->resources->count - 1];

        if (word == WORD_HREF)
            take_href(reader, resource);
        else if (word == WORD_NAME && !resource->name)
            resource->name = take_text(reader, &size);
        else if (word == WORD_DATA && !resource->data)
            resource->data = take_text(reader, &resource->data_size);
    }
    reader->wants_text = false;
    reader->depth--;
}

static void on_document_type(void *argument, const char *name, const char *system,
                             const char *public_, int has_internal)
{
    (void)name;
    (void)system;
    (void)public_;
    (void)has_internal;
    stop(argument, -EBADMSG);
}

int kt_dav_read(TALLOC_CTX *context, const char *text, size_t size,
                struct kt_dav_resources *ret_resources)
{
    struct reader reader = {.context = context, .resources = ret_resources};

    memset(ret_resources, 0, sizeof(*ret_resources));
    if (size > INT32_MAX)
        return -E2BIG;
    reader.parser = XML_ParserCreateNS(NULL, SEPARATOR);
    if (!reader.parser)
        return -ENOMEM;
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_document_type);
    if (XML_Parse(reader.parser, text, (int)size, XML_TRUE) != XML_STATUS_OK && reader.result == 0)
        reader.result = -EBADMSG;
    XML_ParserFree(reader.parser);
    talloc_free(reader.text);
    return reader.result;
}
