/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a zip archive back from a file: its directory, and each member's content with its checksum
 * and size proved. For archives of our own and of libxlsxwriter, not for those of strangers.
 */
#ifndef REPORTS_ZIP_READ_H
#define REPORTS_ZIP_READ_H

#include "zip_format.h"

#include <kontor/error.h>
#include <stdbool.h>
#include <talloc.h>

/** An archive within a file. */
struct zip_place {
    int fd;
    int64_t base;  /**< where it begins */
    uint64_t size; /**< its bytes; it has no comment */
};

/**
 * The directory of an archive.
 * @param ret_entries  owned by the context
 * @return 0, -EBADMSG with words when it is none, or what reading gave
 */
int zip_read(TALLOC_CTX *context, const struct zip_place *place, struct zip_entry **ret_entries,
             size_t *ret_count, struct kt_error *error);

/** Takes a part of the content. @return false ends it (-ECANCELED) */
typedef bool zip_taker(void *argument, const char *data, size_t size);

/** Go through a member's content. @return 0, -EBADMSG (it is damaged), -ECANCELED, … with words */
int zip_walk(const struct zip_place *place, const struct zip_entry *entry, zip_taker *take,
             void *argument, struct kt_error *error);

/** A member's bytes as they are packed. @param ret_packed  owned by the context */
int zip_load_packed(TALLOC_CTX *context, const struct zip_place *place,
                    const struct zip_entry *entry, char **ret_packed, struct kt_error *error);

/** A member's content, of up to 16 MiB. @param ret_text  owned by the context, with a NUL behind */
int zip_load(TALLOC_CTX *context, const struct zip_place *place, const struct zip_entry *entry,
             char **ret_text, struct kt_error *error);

#endif
