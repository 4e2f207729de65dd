/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is stored of a person: which calendars are connected, and how, and by which addresses they
 * are known there. Nothing of events. One document of the store per person; what opens a calendar
 * (tokens, passwords, private addresses) is sealed in it. Knows the store and secrets, no servers
 * and no requests.
 */
#ifndef CALENDAR_ACCOUNTS_H
#define CALENDAR_ACCOUNTS_H

#include "google_page.h"
#include "secrets.h"

/** Connections of one person. */
#define KT_CONNECTIONS_MAX 10u
/** Addresses that one person enters, beside those that are known. */
#define KT_ADDRESSES_MAX 10u
/** The longest name of a user that is accepted, in bytes. */
#define KT_USER_MAX 320u
/** Bytes of a connection's id, with its NUL. */
#define KT_CONNECTION_ID_SIZE 17

enum kt_connection_kind {
    KT_CONNECTION_GOOGLE,
    KT_CONNECTION_CALDAV,
    KT_CONNECTION_URL, /**< iCalendar by its address */
    KT_CONNECTION_KINDS,
};

/** The word for a kind: "google" … */
const char *kt_connection_kind_name(enum kt_connection_kind kind);

/** Something that a person has connected. Texts are never NULL, "" where there is none. */
struct kt_connection {
    char id[KT_CONNECTION_ID_SIZE]; /**< by chance, hexadecimal */
    enum kt_connection_kind kind;
    const char *label; /**< for people: an address, a host */
    /* sealed: */
    const char *refresh_token, *access_token; /**< Google */
    int64_t access_until_ms;
    const char *address;          /**< CalDAV, URL */
    const char *login, *password; /**< CalDAV; a password without a login is a bearer token */
    const char *owners;           /**< CalDAV: the person's addresses, separated by spaces */
    /* not sealed: */
    struct kt_google_calendars
        calendars;   /**< Google, CalDAV: known ones; ids are addresses there */
    int64_t list_ms; /**< when these were looked at, by kt_unix_ms */
    bool is_revoked; /**< to be connected again */
};

/** E-mail addresses at which a person is invited, as they have entered them. */
struct kt_addresses {
    const char *items[KT_ADDRESSES_MAX]; /**< in lower case, each once */
    uint32_t count;
};

struct kt_account {
    const char *user;
    uint64_t revision; /**< of the store's document; 0: there is none */
    struct kt_addresses addresses;
    struct kt_connection connections[KT_CONNECTIONS_MAX];
    uint32_t count;
};

/**
 * Read what is stored of a person. What can't be unsealed is there as revoked.
 * @param ret_account  owned by context; empty when nothing is stored
 * @return 0, -EBADMSG (the document makes no sense), -EINVAL (no such user can be), and the store's
 * Parks, as all of these.
 */
int kt_account_read(TALLOC_CTX *context, const struct kt_secrets *secrets, const char *user,
                    struct kt_account **ret_account);

/**
 * Change what is stored, whoever else does so meanwhile.
 * @param change  called with what is stored now, perhaps several times; texts it puts in must live
 *                until this returns. @return 0, or a negative errno: nothing is stored
 * @return 0, what change returned, -EBUSY (too many changes at once), and as kt_account_read
 */
int kt_account_change(const struct kt_secrets *secrets, const char *user,
                      int (*change)(struct kt_account *account, void *argument), void *argument);

/**
 * Remember that a connection's password is no longer accepted, unless it has been changed
 * meanwhile: who goes on with a wrong one may be locked out.
 * @return as kt_account_change, -ENOENT, -EALREADY
 */
int kt_account_revoke(const struct kt_secrets *secrets, const char *user,
                      const struct kt_connection *connection);

/** The connection of this id, or NULL. Does not park. */
struct kt_connection *kt_account_find(struct kt_account *account, const char *id);

/** Append a connection with a fresh id, all else empty. @return NULL: no more are allowed */
struct kt_connection *kt_account_add(struct kt_account *account, enum kt_connection_kind kind,
                                     const char *label);

/** Take a connection out. */
void kt_account_remove(struct kt_account *account, struct kt_connection *connection);

#endif
