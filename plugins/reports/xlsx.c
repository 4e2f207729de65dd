/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libxlsxwriter is the author of the workbook, but its rows take another way: ours are deflated as
 * they come and go straight to their place in the file, so that a million of them need no memory
 * beside it. At the end libxlsxwriter writes the workbook without its rows, and the two are joined.
 *
 *   rows → cells → writer → sheet ─┐
 *                                  ├→ zip_write → fd → workbook_check
 *   titles, totals … → frame → join┘
 */
#include "xlsx.h"

#include "frame.h"
#include "join.h"
#include "workbook_check.h"

#include <errno.h>
#include <unistd.h>

/** Rows are deflated in pieces of this size; the largest cell fits. */
#define ROWS_BUFFER_BYTES ((size_t)256 * 1024)
_Static_assert(ROWS_BUFFER_BYTES >= CELL_BYTES_MAX, "a cell fits into the buffer");

struct xlsx {
    struct report_sink sink; /**< first: it is what the caller has */
    int fd;
    const char *directory;
    const struct report_about *about;
    struct report_column *columns; /**< copies */
    size_t count;
    uint32_t rows_max; /**< of a sheet: the header and the totals need room as well */
    struct frame *frame;
    struct zip_writer *zip;
    size_t first; /**< the reserved member */
    struct sheet_packer *packer;
    struct writer *writer;
    struct cells *cells;
    size_t sheet_count;
    struct sheet sheets[SHEETS_MAX];
};

static struct xlsx *from(struct report_sink *sink)
{
    return (struct xlsx *)sink;
}

/* ---------------------------------------------------------------- begin */

static int copy_columns(struct xlsx *xlsx, const struct report_column *columns, size_t count,
                        struct kt_error *error)
{
    if (count == 0 || count > SHEET_COLUMNS_MAX)
        return kt_error_set(error, -EINVAL, "a sheet has 1 to %zu columns, and the query %zu",
                            SHEET_COLUMNS_MAX, count);
    xlsx->columns = talloc_array(xlsx, struct report_column, (unsigned)count);
    if (!xlsx->columns)
        return kt_error_set(error, -ENOMEM, "out of memory");
    xlsx->count = count;
    for (size_t i = 0; i < count; i++) {
        const struct report_column *given = &columns[i];
        struct report_column *column = &xlsx->columns[i];
        const char *title = given->title ? given->title : given->name;
        *column = *given;
        column->name = talloc_strdup(xlsx->columns, given->name);
        column->title = talloc_strdup(xlsx->columns, title);
        if (given->format)
            column->format = talloc_strdup(xlsx->columns, given->format);
        if (!column->name || !column->title || (given->format && !column->format))
            return kt_error_set(error, -ENOMEM, "out of memory");
    }
    return 0;
}

static int begin_sheet(struct xlsx *xlsx, struct kt_error *error)
{
    if (xlsx->sheet_count == SHEETS_MAX)
        return kt_error_set(error, -E2BIG,
                            "there are more rows than %d sheets hold; please take CSV", SHEETS_MAX);
    struct sheet *sheet = &xlsx->sheets[xlsx->sheet_count];
    join_sheet_name(xlsx->sheet_count++, sheet->name);
    return sheet_begin(xlsx->packer, sheet, frame_head_room(xlsx->frame), error);
}

static int begin(struct report_sink *sink, const struct report_column *columns, size_t count,
                 struct kt_error *error)
{
    struct xlsx *xlsx = from(sink);
    int result = copy_columns(xlsx, columns, count, error);
    if (result == 0)
        result = frame_new(xlsx, xlsx->directory, xlsx->columns, count, &xlsx->frame, error);
    if (result == 0)
        result = sheet_packer_new(xlsx, xlsx->zip, &xlsx->packer, error);
    if (result == 0)
        result =
            writer_new(xlsx, ROWS_BUFFER_BYTES, sheet_pack, xlsx->packer, &xlsx->writer, error);
    if (result == 0)
        result = cells_new(xlsx, xlsx->writer, xlsx->columns, count, frame_styles(xlsx->frame),
                           &xlsx->cells, error);
    if (result == 0)
        result = zip_writer_reserve(xlsx->zip, JOIN_FIRST, JOIN_FIRST_ROOM, &xlsx->first, error);
    if (result < 0)
        return result;
    xlsx->rows_max = SHEET_ROWS_MAX - 1 - totals_are_wanted(xlsx->columns, count);
    return begin_sheet(xlsx, error);
}

/* ---------------------------------------------------------------- rows */

/** A sheet is full when one more row comes: so the last one is always open. */
static int next_sheet(struct xlsx *xlsx, struct kt_error *error)
{
    int result = writer_flush(xlsx->writer, error);
    if (result == 0)
        result = sheet_end_rows(xlsx->packer, FRAME_TAIL_ROOM, error);
    return result == 0 ? begin_sheet(xlsx, error) : result;
}

static int add_row(struct report_sink *sink, const struct report_value *values,
                   struct kt_error *error)
{
    struct xlsx *xlsx = from(sink);
    if (xlsx->sheets[xlsx->sheet_count - 1].rows == xlsx->rows_max) {
        int result = next_sheet(xlsx, error);
        if (result < 0)
            return result;
    }
    struct sheet *sheet = &xlsx->sheets[xlsx->sheet_count - 1];
    sheet->rows++;
    return cells_row(xlsx->cells, (uint32_t)sheet->rows + 1, values, error);
}

/* ---------------------------------------------------------------- end */

static int join(struct xlsx *xlsx, struct kt_error *error)
{
    const struct frame_rows rows = {xlsx->about, xlsx->sheets, xlsx->sheet_count, xlsx->cells};
    const struct join parts = {xlsx->zip, xlsx->first, xlsx->packer, xlsx->sheets,
                               xlsx->sheet_count};
    int frame_fd;
    int result = frame_write(xlsx->frame, &rows, &frame_fd, error);
    if (result < 0)
        return result;
    result = join_frame(&parts, frame_fd, error);
    close(frame_fd);
    return result;
}

static int end(struct report_sink *sink,
               bool (*progress)(void *argument, uint64_t done, uint64_t total), void *argument,
               struct kt_error *error)
{
    struct xlsx *xlsx = from(sink);
    int result = writer_flush(xlsx->writer, error);
    if (result == 0)
        result = sheet_end_rows(xlsx->packer, 0, error);
    if (result == 0)
        result = join(xlsx, error);
    if (result < 0)
        return result;
    const struct zip_place place = {xlsx->fd, zip_writer_base(xlsx->zip),
                                    zip_writer_size(xlsx->zip)};
    const struct workbook_check check = {xlsx->sheets, xlsx->sheet_count, progress, argument};
    return workbook_check(&place, &check, error);
}

int report_xlsx_new(TALLOC_CTX *context, int fd, const char *directory,
                    const struct report_about *about, struct report_sink **ret_sink,
                    struct kt_error *error)
{
    struct xlsx *xlsx = talloc_zero(context, struct xlsx);
    if (!xlsx)
        return kt_error_set(error, -ENOMEM, "out of memory");
    xlsx->sink = (struct report_sink){begin, add_row, end};
    xlsx->fd = fd;
    xlsx->about = about;
    xlsx->directory = talloc_strdup(xlsx, directory);
    /* libxlsxwriter would silently take /tmp instead */
    int result =
        access(directory, W_OK | X_OK) < 0
            ? kt_error_set(error, -errno, "%s can't be written to: %s", directory, strerror(errno))
            : zip_writer_new(xlsx, fd, &xlsx->zip, error);
    if (result == 0 && !xlsx->directory)
        result = kt_error_set(error, -ENOMEM, "out of memory");
    if (result < 0)
        talloc_free(xlsx);
    else
        *ret_sink = &xlsx->sink;
    return result;
}
