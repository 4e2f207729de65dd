/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Knows libxlsxwriter's workbook and its styles. The styles are numbered here, before anything is
 * written, since the rows name them by number.
 */
#include "frame_private.h"

#include "number_format.h"
#include "utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/** Bytes of a sheet's head: what it always has, and what each column adds at most. */
#define HEAD_BYTES ((size_t)2048)
#define HEAD_COLUMN_BYTES ((size_t)192)

/* ---------------------------------------------------------------- formats */

static const char *type_format(enum report_type type)
{
    switch (type) {
    case REPORT_INTEGER:
        return "0";
    case REPORT_MONEY:
        return "#,##0.00";
    case REPORT_PERCENT:
        return "0.0%";
    case REPORT_DATE:
        return "yyyy-mm-dd";
    case REPORT_DATETIME:
        return "yyyy-mm-dd hh:mm:ss";
    case REPORT_DURATION:
        return "[h]:mm:ss";
    case REPORT_BOOLEAN: /* some spreadsheets show 0 and 1 otherwise */
        return "\"TRUE\";\"TRUE\";\"FALSE\"";
    case REPORT_TEXT:
    case REPORT_NUMBER:
    case REPORT_TYPES:
        break;
    }
    return NULL;
}

static lxw_format *add_format(struct frame *frame, const char *number_format, bool is_total)
{
    lxw_format *format = workbook_add_format(frame->workbook);
    if (format && number_format)
        format_set_num_format(format, number_format);
    if (format && is_total) {
        format_set_bold(format);
        format_set_top(format, LXW_BORDER_THIN);
    }
    return format;
}

static int choose_format(struct frame *frame, size_t index, struct kt_error *error)
{
    const struct report_column *column = &frame->columns[index];
    const char *own = column->format && *column->format ? column->format : NULL;
    const char *format = own ? own : type_format(column->type);
    bool is_count = column->total == REPORT_COUNT || column->type == REPORT_BOOLEAN;
    const char *of_total = is_count ? "0" : format;
    if (own && !number_format_is_valid(own))
        return kt_error_set(error, -EINVAL,
                            "the format %s of column %s is none that spreadsheets know; words must "
                            "be quoted",
                            own, column->name);
    /* text has its own style; "General" needs none */
    if (format && column->type != REPORT_TEXT)
        frame->body[index] = add_format(frame, format, false);
    frame->total[index] = add_format(frame, of_total, true);
    return 0;
}

/** Styles get their numbers when they are first asked for one. */
static unsigned number_of(lxw_format *format)
{
    return format ? (unsigned)lxw_format_get_xf_index(format) : 0;
}

static int choose_formats(struct frame *frame, struct kt_error *error)
{
    unsigned *styles = talloc_array(frame, unsigned, (unsigned)frame->count);
    frame->body = talloc_zero_array(frame, lxw_format *, (unsigned)frame->count);
    frame->total = talloc_zero_array(frame, lxw_format *, (unsigned)frame->count);
    if (!styles || !frame->body || !frame->total)
        return kt_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < frame->count; i++) {
        int result = choose_format(frame, i, error);
        if (result < 0)
            return result;
        styles[i] = number_of(frame->body[i]);
    }
    lxw_format *text = add_format(frame, "@", false);
    frame->total_text = add_format(frame, NULL, true);
    frame->header = workbook_add_format(frame->workbook);
    if (!text || !frame->total_text || !frame->header)
        return kt_error_set(error, -ENOMEM, "out of memory");
    format_set_bold(frame->header);
    format_set_bottom(frame->header, LXW_BORDER_THIN);
    format_set_bg_color(frame->header, 0xE8ECF0);
    frame->styles = (struct cell_styles){.columns = styles, .general = 0, .text = number_of(text)};
    return 0;
}

/* ---------------------------------------------------------------- workbook */

/** A workbook that is not closed leaves nothing behind. */
static int discard(struct frame *frame)
{
    if (frame->workbook)
        lxw_workbook_free(frame->workbook);
    unlink(frame->path);
    return 0;
}

int frame_new(TALLOC_CTX *context, const char *directory, const struct report_column *columns,
              size_t count, struct frame **ret_frame, struct kt_error *error)
{
    struct frame *frame = talloc_zero(context, struct frame);
    if (!frame)
        return kt_error_set(error, -ENOMEM, "out of memory");
    frame->directory = directory;
    frame->columns = columns;
    frame->count = count;
    frame->path = talloc_asprintf(frame, "%s/workbook.xlsx", directory);
    char *own_directory = talloc_strdup(frame, directory);
    lxw_workbook_options options = {.tmpdir = own_directory};
    if (frame->path && own_directory)
        frame->workbook = workbook_new_opt(frame->path, &options);
    if (!frame->workbook) {
        talloc_free(frame);
        return kt_error_set(error, -ENOMEM, "out of memory");
    }
    talloc_set_destructor(frame, discard);
    int result = choose_formats(frame, error);
    if (result < 0)
        talloc_free(frame);
    else
        *ret_frame = frame;
    return result;
}

const struct cell_styles *frame_styles(const struct frame *frame)
{
    return &frame->styles;
}

size_t frame_head_room(const struct frame *frame)
{
    return HEAD_BYTES + HEAD_COLUMN_BYTES * frame->count;
}

void frame_sheet_name(size_t index, char name[FRAME_SHEET_NAME_MAX])
{
    if (index == 0)
        snprintf(name, FRAME_SHEET_NAME_MAX, "Data");
    else
        snprintf(name, FRAME_SHEET_NAME_MAX, "Data %u", (unsigned)(index % SHEETS_MAX) + 1);
}

int frame_check(lxw_error code, struct kt_error *error)
{
    switch (code) {
    case LXW_NO_ERROR:
        return 0;
    case LXW_ERROR_MEMORY_MALLOC_FAILED:
        return kt_error_set(error, -ENOMEM, "out of memory");
    default:
        return kt_error_set(error, -EIO, "the workbook could not be written: %s",
                            lxw_strerror(code));
    }
}

/** What the file tells before it is opened. */
static int describe(struct frame *frame, const struct report_about *about, struct kt_error *error)
{
    char *title = utf8_clean(frame, about->title, FRAME_TITLE_MAX);
    char *who = utf8_clean(frame, about->who, FRAME_TITLE_MAX);
    if (!title || !who)
        return kt_error_set(error, -ENOMEM, "out of memory");
    lxw_doc_properties properties = {
        .title = title,
        .author = who,
        .created = (time_t)(about->made_ms / 1000),
    };
    return frame_check(workbook_set_properties(frame->workbook, &properties), error);
}

int frame_write(struct frame *frame, const struct frame_rows *rows, int *ret_fd,
                struct kt_error *error)
{
    int result = describe(frame, rows->about, error);
    if (result == 0)
        result = frame_add_data(frame, rows, error);
    if (result == 0)
        result = frame_add_chart(frame, rows, error);
    if (result == 0)
        result = frame_add_about(frame, rows, error);
    if (result < 0)
        return result;
    /* it frees the workbook whatever happens */
    lxw_error code = workbook_close(frame->workbook);
    frame->workbook = NULL;
    result = frame_check(code, error);
    if (result < 0)
        return result;
    *ret_fd = open(frame->path, O_RDONLY | O_CLOEXEC);
    if (*ret_fd < 0)
        return kt_error_set(error, -errno, "the workbook's frame can't be read back: %s",
                            strerror(errno));
    unlink(frame->path);
    return 0;
}
