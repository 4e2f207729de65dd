/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes a zip archive into a file: members one behind the other, the directory at the end, ZIP64
 * where sizes need it. Knows neither compression nor what the members are.
 */
#ifndef REPORTS_ZIP_WRITE_H
#define REPORTS_ZIP_WRITE_H

#include "zip_format.h"

#include <kontor/error.h>
#include <talloc.h>

struct zip_writer;

/**
 * @param fd  where; the archive begins at its current offset
 * @param ret_zip  owned by the context; the descriptor is not
 * @return 0, or a negative errno with words
 */
int zip_writer_new(TALLOC_CTX *context, int fd, struct zip_writer **ret_zip,
                   struct kt_error *error);

/** Where the archive begins in its file. */
int64_t zip_writer_base(const struct zip_writer *zip);

/** Bytes written so far, the end of the archive once it is closed. */
uint64_t zip_writer_size(const struct zip_writer *zip);

/**
 * Leave room for a member whose content is known only later, and set it in then.
 * @param bytes  its content can have at most so many
 * @param ret_index  for zip_writer_fill, which every reserved member must get
 */
int zip_writer_reserve(struct zip_writer *zip, const char *name, size_t bytes, size_t *ret_index,
                       struct kt_error *error);

/** The content of a reserved member: XML, not compressed, with blanks behind it up to its room. */
int zip_writer_fill(struct zip_writer *zip, size_t index, const char *text, size_t size,
                    struct kt_error *error);

/** Begin a member of unknown size; its header is written by zip_writer_end. */
int zip_writer_begin(struct zip_writer *zip, const char *name, size_t *ret_index,
                     struct kt_error *error);

/** Append to the member. */
int zip_writer_append(struct zip_writer *zip, const void *data, size_t size,
                      struct kt_error *error);

/** Append room to the member that zip_writer_set fills later. @param ret_at  where it is */
void zip_writer_append_room(struct zip_writer *zip, size_t size, uint64_t *ret_at);
int zip_writer_set(struct zip_writer *zip, uint64_t at, const void *data, size_t size,
                   struct kt_error *error);

/** The begun member has all its bytes now; what they are may still be to come. */
void zip_writer_end(struct zip_writer *zip, size_t index);

/** What the member is: writes its header. @param size  of its content before compression */
int zip_writer_finish(struct zip_writer *zip, size_t index, uint32_t crc, uint64_t size,
                      struct kt_error *error);

/** A member as another archive has it. */
int zip_writer_copy(struct zip_writer *zip, const struct zip_entry *entry, const void *packed,
                    struct kt_error *error);

/** The directory. @return as zip_writer_new; the file's offset is behind the archive then */
int zip_writer_close(struct zip_writer *zip, struct kt_error *error);

#endif
