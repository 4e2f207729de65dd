/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a person has chosen: one document of the store (namespace "mailer", key: the user). Knows
 * the store and schedules; no requests, no mail.
 */
#ifndef MAILER_SETTINGS_H
#define MAILER_SETTINGS_H

#include "mime.h"
#include "schedule.h"

#include <kontor/store.h>

#define KT_SETTINGS_NAMESPACE "mailer"
/** The longest name of a user, in bytes: keys of the ledger need room for a date. */
#define KT_SETTINGS_USER_MAX 200u

struct kt_settings {
    bool is_on;
    bool is_verified; /**< the address has answered */
    uint32_t weekday; /**< 0 = Monday … 6 = Sunday */
    uint32_t hour;
    char zone[KT_ZONE_NAME_MAX + 1];
    char address[KT_MAIL_ADDRESS_MAX + 1]; /**< "" when there is none */
    int64_t since;      /**< seconds since 1970: switched on then, nothing before is due */
    int32_t moved_week; /**< a mail that a change of zone or hour would have lost; 0: none */
    int64_t moved_at;   /**< when it is due */
    int64_t asked;      /**< when the person last had a mail sent by hand, seconds since 1970 */
    uint64_t revision;  /**< of the document; 0: there is none */
};

/** Whether a user of this name can have settings. */
bool kt_settings_user_is_good(const char *user);

/** Off, Friday, 19:00. */
void kt_settings_default(struct kt_settings *ret_settings);

/** Read a document's value. @return 0 or -EBADMSG */
int kt_settings_parse(const char *value, size_t size, struct kt_settings *ret_settings);

/** Read what a person has chosen. @return 0, -ENOENT, -EBADMSG, and the store's. Parks. */
int kt_settings_read(const char *user, struct kt_settings *ret_settings);

/**
 * Change what a person has chosen, whoever else does so meanwhile.
 * @param change  called with what is stored now (or the default), perhaps several times.
 *                @return 0, or a negative errno: nothing is stored
 * @return 0, what change returned, -EBUSY (too many changes at once), and the store's. Parks.
 */
int kt_settings_change(const char *user,
                       int (*change)(struct kt_settings *settings, void *argument), void *argument);

/** Forget what a person has chosen. @return 0, also when that was nothing; the store's. Parks. */
int kt_settings_delete(const char *user);

#endif
