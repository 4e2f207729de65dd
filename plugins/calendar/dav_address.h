/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where addresses in the answers of WebDAV servers lead, and whether login and password may go
 * there. They may go to the server that answered, and to one that it names as the place of the
 * person or of their calendars (RFC 5397 and RFC 4791 set no limits to where these are; iCloud has
 * calendars on many servers), but there by https only. The server that names the other has the
 * password and could pass it on by itself; whoever listens on the way must not get it. Pure, but
 * for memory.
 */
#ifndef CALENDAR_DAV_ADDRESS_H
#define CALENDAR_DAV_ADDRESS_H

#include <talloc.h>

/**
 * The address of a place that a server names: of a person, or their calendars.
 * @param base  the address of the answer
 * @return owned by context; NULL: malformed, or of another server without https
 */
char *kt_dav_place(TALLOC_CTX *context, const char *base, const char *href);

/**
 * The address of a resource of an answer, which is of the same server (RFC 4918, 9.1).
 * @param base  the address of the answer
 * @return owned by context; NULL: malformed, or of another server
 */
char *kt_dav_resolve(TALLOC_CTX *context, const char *base, const char *href);

#endif
