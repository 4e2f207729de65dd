/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers of WebDAV servers (207 Multi-Status, RFC 4918) as plain data: the few properties that
 * calendars need. Pure, runs on any thread. Text from outside is bounded in depth, number and
 * names; a document type is refused, so that there are no entities but XML's own five.
 */
#ifndef CALENDAR_DAV_XML_H
#define CALENDAR_DAV_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

/** Resources of one answer, and addresses of one person, that are read. */
#define KT_DAV_RESOURCES_MAX 20000u
#define KT_DAV_ADDRESSES_MAX 8u

/** What an answer says of one resource. Texts are NULL where nothing is said. */
struct kt_dav_resource {
    const char *href;
    const char *name;      /**< displayname */
    const char *principal; /**< href of current-user-principal */
    const char *home;      /**< the first href of calendar-home-set */
    const char *data;      /**< calendar-data */
    size_t data_size;
    const char *addresses[KT_DAV_ADDRESSES_MAX]; /**< hrefs of calendar-user-address-set */
    uint32_t address_count;
    bool is_calendar;    /**< its resourcetype */
    bool has_components; /**< supported-calendar-component-set is there, */
    bool has_events;     /**< and VEVENT in it */
};

struct kt_dav_resources {
    struct kt_dav_resource *items;
    uint32_t count;
};

/**
 * Read an answer.
 * @param context  owns the result
 * @return 0, -EBADMSG (no such XML), -E2BIG (too deep, too many), -ENOMEM
 */
int kt_dav_read(TALLOC_CTX *context, const char *text, size_t size,
                struct kt_dav_resources *ret_resources);

#endif
