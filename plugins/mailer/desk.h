/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What other plugins may ask of the mailer: a server with this name in each worker (kt_whereis).
 * This header is all that another plugin includes. Questions are JSON; a reply's type says how it
 * went, and it has no data.
 *
 *     KT_DESK_SIGN_IN  {"to", "link", "minutes"}  a letter with a link to sign in, which is good
 * for so long KT_DESK_FORGET   {"user"}                   nothing of this person is left, and
 * nothing sent
 */
#ifndef MAILER_DESK_H
#define MAILER_DESK_H

#define KT_DESK_SERVER "mailer"

#define KT_DESK_SIGN_IN 1u
#define KT_DESK_FORGET 2u

enum {
    KT_DESK_DONE = 1,
    KT_DESK_LATER,   /**< not now; asking again may help */
    KT_DESK_REFUSED, /**< never: of the mail server, for good; or the question makes no sense */
};

struct kt_child;
struct kt_mailer;

/** The desk's child specification. */
struct kt_child kt_desk_child(struct kt_mailer *mailer);

#endif
