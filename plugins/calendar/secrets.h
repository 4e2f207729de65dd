/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts that only this installation can read: tokens and passwords before they go into the store.
 * Sealed with the key of a file, and bound to a purpose, so that what was sealed for one person
 * can't be put in the place of another's. Knows no store and no requests.
 */
#ifndef CALENDAR_SECRETS_H
#define CALENDAR_SECRETS_H

#include <kontor/error.h>
#include <talloc.h>

/** The longest text that is sealed. */
#define KT_SECRETS_TEXT_MAX 65536u

struct kt_secrets;

/**
 * Read the key: a file of 32 bytes, which belongs to root or to who runs this, and is closed to
 * others.
 * @param ret_secrets  owned by context; the key is kept out of swap and wiped at the end
 * @return 0 or a negative errno, error filled with what is wrong with the file
 */
int kt_secrets_open(TALLOC_CTX *context, const char *path, struct kt_secrets **ret_secrets,
                    struct kt_error *error);

/**
 * Seal a text.
 * @param purpose  needed again to open it
 * @return letters, digits, "-", "_" and "."; owned by context; NULL: too long, or no memory
 */
char *kt_secrets_seal(TALLOC_CTX *context, const struct kt_secrets *secrets, const char *purpose,
                      const char *text);

/**
 * Open what was sealed.
 * @param ret_text  owned by context
 * @return 0, -EBADMSG (changed, for another purpose, or by another key), -ENOMEM
 */
int kt_secrets_unseal(TALLOC_CTX *context, const struct kt_secrets *secrets, const char *purpose,
                      const char *sealed, char **ret_text);

#endif
