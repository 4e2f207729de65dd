/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who somebody is, for other plugins, and how often sign-in may begin: a server with this name in
 * each worker (kt_whereis). One of them also owns the same key of the registry, and counts for all
 * workers. This header is all that another plugin includes.
 *
 * KT_IDENTITY_WHO asks whose session a request belongs to that has no REMOTE_USER:
 *     {"cookies": the header Cookie, "https": as the web server says}
 * The reply's type is KT_IDENTITY_FOUND with the user, a text without a NUL; KT_IDENTITY_NOBODY; or
 * KT_IDENTITY_UNKNOWN: the store can't say now.
 *
 * KT_IDENTITY_BEGIN asks whether sign-in may begin, and counts it:
 *     {"client": an IP address, "address": whose mailbox gets a mail, or absent}
 * The reply, of the same type, is an int64_t: 0, or in how many milliseconds to ask again.
 */
#ifndef CALENDAR_IDENTITY_H
#define CALENDAR_IDENTITY_H

#define KT_IDENTITY_SERVER "calendar/identity"

#define KT_IDENTITY_WHO 1u
#define KT_IDENTITY_BEGIN 2u

enum { KT_IDENTITY_FOUND = 1, KT_IDENTITY_NOBODY, KT_IDENTITY_UNKNOWN };

#endif
