/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows are JSON as soon as they come; the rest is put around them at the end. */
#include "preview.h"

#include "chart_points.h"
#include "json_value.h"
#include "table_totals.h"
#include "utf8.h"

#include <errno.h>

/** Of the rows: those that would make it larger are left out. */
#define ROWS_BYTES_MAX ((size_t)2 * 1024 * 1024)
/** Of a text: more is cut. */
#define TEXT_BYTES_MAX ((size_t)1000)
/** All in all: rows, and as many columns as a sheet can have. */
#define BYTES_MAX ((size_t)32 * 1024 * 1024)

struct report_preview {
    struct report_sink sink; /**< first: a sink is a preview */
    const struct report_about *about;
    struct writer *head, *rows;
    enum report_type *types;
    size_t count;
    bool has_totals, is_full;
    struct table_totals *totals;
    struct chart_points *points; /**< NULL: no chart */
    uint64_t row_count;
    unsigned shown;
};

static int begin(struct report_sink *sink, const struct report_column *columns, size_t count,
                 struct kt_error *error)
{
    struct report_preview *preview = (struct report_preview *)sink;
    preview->count = count;
    preview->has_totals = totals_are_wanted(columns, count);
    preview->totals = table_totals_new(preview, columns, count);
    preview->types = talloc_array(preview, enum report_type, (unsigned)count);
    if (!preview->totals || !preview->types)
        return kt_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < count; i++)
        preview->types[i] = columns[i].type;
    json_put_columns(preview->head, columns, count);
    int result = chart_points_new(preview, preview->about, columns, count, &preview->points, error);
    return result < 0 ? result : writer_check(preview->head, error);
}

/** A text that is too long is cut behind a whole character. */
static void put_value(struct writer *writer, enum report_type type,
                      const struct report_value *value)
{
    char text[TEXT_BYTES_MAX + 3];
    struct report_value cut = *value;
    if (value->form == REPORT_IS_TEXT && value->size > TEXT_BYTES_MAX) {
        size_t size = utf8_fitting(value->text, value->size, TEXT_BYTES_MAX);
        memcpy(text, value->text, size);
        memcpy(text + size, "\xE2\x80\xA6", 3);
        cut.text = text;
        cut.size = size + 3;
    }
    json_put_value(writer, type, &cut);
}

static void show_row(struct report_preview *preview, const struct report_value *values)
{
    struct writer *writer = preview->rows;
    size_t before = writer->used;
    writer_put_text(writer, preview->shown > 0 ? ",\n[" : "\n[");
    for (size_t i = 0; i < preview->count && writer->used < ROWS_BYTES_MAX; i++) {
        writer_put(writer, ",", i > 0);
        put_value(writer, preview->types[i], &values[i]);
    }
    writer_put(writer, "]", 1);
    preview->shown++;
    if (writer->used >= ROWS_BYTES_MAX) {
        writer->used = before;
        preview->shown--;
        preview->is_full = true;
    }
    if (preview->shown == PREVIEW_ROWS_MAX)
        preview->is_full = true;
}

static int row(struct report_sink *sink, const struct report_value *values, struct kt_error *error)
{
    struct report_preview *preview = (struct report_preview *)sink;
    int result = 0;
    preview->row_count++;
    table_totals_add(preview->totals, values);
    if (!preview->is_full) {
        show_row(preview, values);
        result = writer_check(preview->rows, error);
    }
    if (result == 0 && preview->points)
        result = chart_points_add(preview->points, values, error);
    return result;
}

static int end(struct report_sink *sink,
               bool (*progress)(void *argument, uint64_t done, uint64_t total), void *argument,
               struct kt_error *error)
{
    struct report_preview *preview = (struct report_preview *)sink;
    struct writer *writer = preview->head;
    (void)progress;
    (void)argument;
    writer_put_text(writer, ",\n\"rows\":[");
    writer_put(writer, preview->rows->text, preview->rows->used);
    writer_put_text(writer, "],\n\"row_count\":");
    json_put_integer(writer, (int64_t)preview->row_count);
    writer_put_text(writer, ",\n\"totals\":");
    if (preview->has_totals)
        table_totals_put_json(preview->totals, writer);
    else
        writer_put_text(writer, "null");
    writer_put_text(writer, ",\n\"chart\":");
    if (preview->points)
        chart_points_put_json(preview->points, writer);
    else
        writer_put_text(writer, "null");
    writer_put_text(writer, "}\n");
    return writer_check(writer, error);
}

int report_preview_new(TALLOC_CTX *context, const struct report_about *about,
                       struct report_preview **ret_preview, struct kt_error *error)
{
    struct report_preview *preview = talloc_zero(context, struct report_preview);
    if (!preview)
        return kt_error_set(error, -ENOMEM, "out of memory");
    preview->sink = (struct report_sink){begin, row, end};
    preview->about = about;
    int result = writer_new_in_memory(preview, BYTES_MAX, &preview->head, error);
    if (result == 0)
        result = writer_new_in_memory(preview, BYTES_MAX, &preview->rows, error);
    if (result < 0) {
        talloc_free(preview);
        return result;
    }
    writer_put_text(preview->head, "{\"columns\":");
    *ret_preview = preview;
    return 0;
}

struct report_sink *report_preview_sink(struct report_preview *preview)
{
    return &preview->sink;
}

const char *report_preview_json(const struct report_preview *preview, TALLOC_CTX *context)
{
    return talloc_strndup(context, preview->head->text, preview->head->used);
}
