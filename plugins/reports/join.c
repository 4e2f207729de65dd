/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A frame of libxlsxwriter may be incomplete without a word of it: it does not look at what its
 * writes return, and packs a part that was cut off with a fitting checksum. So what is taken apart
 * here is looked at here; the rest is when the whole workbook is checked.
 */
#include "join.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

void join_sheet_name(size_t index, char name[ZIP_NAME_MAX + 1])
{
    snprintf(name, ZIP_NAME_MAX + 1, "xl/worksheets/sheet%zu.xml", index + 1);
}

static int incomplete(struct kt_error *error, const char *part)
{
    return kt_error_set(error, -EBADMSG,
                        "%s of the workbook is incomplete: there was no room left for temporary "
                        "files",
                        part);
}

/** The frame's archive while it is taken apart. */
struct frame_archive {
    struct zip_place place;
    struct zip_entry *entries;
    size_t count;
};

static int open_frame(TALLOC_CTX *context, int fd, struct frame_archive *frame,
                      struct kt_error *error)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return kt_error_set(error, -errno, "the frame of the workbook can't be read");
    frame->place = (struct zip_place){.fd = fd, .size = (uint64_t)status.st_size};
    return zip_read(context, &frame->place, &frame->entries, &frame->count, error);
}

static struct zip_entry *find(const struct frame_archive *frame, const char *name)
{
    for (size_t i = 0; i < frame->count; i++)
        if (strcmp(frame->entries[i].name, name) == 0)
            return &frame->entries[i];
    return NULL;
}

/** Load a part by its name, and take it out of what is left to copy. */
static int take(TALLOC_CTX *context, const struct frame_archive *frame, const char *name,
                char **ret_text, struct kt_error *error)
{
    struct zip_entry *entry = find(frame, name);
    if (!entry)
        return incomplete(error, name);
    int result = zip_load(context, &frame->place, entry, ret_text, error);
    entry->name[0] = '\0';
    return result;
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/** Our rows belong behind the header, which is the first row of libxlsxwriter's. */
static int join_sheet(TALLOC_CTX *context, const struct join *join,
                      const struct frame_archive *frame, struct sheet *sheet,
                      struct kt_error *error)
{
    static const char row_end[] = "</row>";
    char *text;
    int result = take(context, frame, sheet->name, &text, error);
    if (result < 0)
        return result;
    const char *header = strstr(text, row_end);
    if (!header || !ends_with(text, "</worksheet>"))
        return incomplete(error, sheet->name);
    return sheet_finish(join->packer, sheet, text, (size_t)(header - text) + sizeof row_end - 1,
                        error);
}

static int join_first(TALLOC_CTX *context, const struct join *join,
                      const struct frame_archive *frame, struct kt_error *error)
{
    char *text;
    int result = take(context, frame, JOIN_FIRST, &text, error);
    if (result == 0)
        result = zip_writer_fill(join->zip, join->first, text, strlen(text), error);
    return result;
}

static int copy_rest(TALLOC_CTX *context, const struct join *join,
                     const struct frame_archive *frame, struct kt_error *error)
{
    int result = 0;
    for (size_t i = 0; i < frame->count && result == 0; i++) {
        const struct zip_entry *entry = &frame->entries[i];
        char *packed;
        if (entry->name[0] == '\0')
            continue;
        result = zip_load_packed(context, &frame->place, entry, &packed, error);
        if (result == 0)
            result = zip_writer_copy(join->zip, entry, packed, error);
    }
    return result;
}

int join_frame(const struct join *join, int frame_fd, struct kt_error *error)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct frame_archive frame;
    int result = memory ? open_frame(memory, frame_fd, &frame, error)
                        : kt_error_set(error, -ENOMEM, "out of memory");
    /* the last sheet first: its tail goes to the end of what is there */
    for (size_t i = join->sheet_count; i > 0 && result == 0; i--)
        result = join_sheet(memory, join, &frame, &join->sheets[i - 1], error);
    if (result == 0)
        result = join_first(memory, join, &frame, error);
    if (result == 0)
        result = copy_rest(memory, join, &frame, error);
    if (result == 0)
        result = zip_writer_close(join->zip, error);
    talloc_free(memory);
    return result;
}
