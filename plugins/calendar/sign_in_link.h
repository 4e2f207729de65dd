/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Links that sign somebody in, once, within a quarter of an hour, in the browser that asked. The
 * token of a link is random; the store has only its hash. Knows the store; no requests, no mail.
 */
#ifndef CALENDAR_SIGN_IN_LINK_H
#define CALENDAR_SIGN_IN_LINK_H

#include "address.h"
#include "session.h"

#define KT_SIGN_IN_MINUTES 15
/** Until when, a dot, 32 random bytes in base64url, and the NUL. */
#define KT_SIGN_IN_TOKEN_SIZE (13 + 1 + 43 + 1)

/**
 * Make a link for an address. Those that nobody has used in time go, a few at each call.
 * @param mark       of the browser that asks (kt_session_mark)
 * @param ret_token  what the mail has to carry; nobody else may see it
 * @return 0, and the store's errors. Parks, as all of these.
 */
int kt_sign_in_link_make(const char *address, const char *mark,
                         char ret_token[KT_SIGN_IN_TOKEN_SIZE]);

/** Take a link back that could not be sent. */
void kt_sign_in_link_drop(const char *token);

/** Forget all links of an address. @return 0, and the store's errors */
int kt_sign_in_link_forget(const char *address);

/**
 * Use a link up.
 * @param has_mark     whether this is the browser that has this mark; called at most once
 * @param ret_address  whose it was
 * @return 0; -ENOENT (no such link, or used, or too old); -EPERM (another browser: it stays good);
 *         and the store's errors
 */
int kt_sign_in_link_use(const char *token, bool (*has_mark)(const char *mark, void *argument),
                        void *argument, char ret_address[KT_ADDRESS_SIZE]);

#endif
