/* SPDX-License-Identifier: BSD-2-Clause */
/* One line for each row, so that people and line tools can read it, too. */
#include "json_rows.h"

#include "json_value.h"
#include "number_text.h"
#include "table_totals.h"

#include <errno.h>

struct json {
    struct report_sink sink; /**< first: it is what the caller has */
    const struct report_about *about;
    struct writer *writer;
    enum report_type *types;
    struct table_totals *totals;
    size_t count;
    uint64_t rows;
};

static void put_about(struct writer *writer, const struct report_about *about)
{
    char made[NUMBER_TEXT_MAX], *made_end = number_put_datetime(made, about->made_ms / 1000 * 1000);
    writer_put_text(writer, "{\"title\":");
    json_put_string(writer, about->title);
    writer_put_text(writer, ",\n\"who\":");
    json_put_string(writer, about->who);
    writer_put_text(writer, ",\n\"version\":");
    json_put_string(writer, about->version);
    writer_put_text(writer, ",\n\"made\":");
    json_put_text(writer, made, (size_t)(made_end - made));
    writer_put_text(writer, ",\n\"parameters\":[");
    for (size_t i = 0; i < about->parameter_count; i++) {
        writer_put_text(writer, i > 0 ? ",\n{\"label\":" : "\n{\"label\":");
        json_put_string(writer, about->parameter_labels[i]);
        writer_put_text(writer, ",\"value\":");
        json_put_string(writer, about->parameter_values[i]);
        writer_put(writer, "}", 1);
    }
    writer_put(writer, "]", 1);
}

static int begin(struct report_sink *sink, const struct report_column *columns, size_t count,
                 struct kt_error *error)
{
    struct json *json = (struct json *)sink;
    json->count = count;
    json->types = talloc_array(json, enum report_type, (unsigned)count);
    json->totals = table_totals_new(json, columns, count);
    if (!json->types || !json->totals)
        return kt_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < count; i++)
        json->types[i] = columns[i].type;
    put_about(json->writer, json->about);
    writer_put_text(json->writer, ",\n\"columns\":");
    json_put_columns(json->writer, columns, count);
    writer_put_text(json->writer, ",\n\"rows\":[");
    return writer_check(json->writer, error);
}

static int row(struct report_sink *sink, const struct report_value *values, struct kt_error *error)
{
    struct json *json = (struct json *)sink;
    writer_put_text(json->writer, json->rows++ > 0 ? ",\n[" : "\n[");
    for (size_t i = 0; i < json->count; i++) {
        writer_put(json->writer, ",", i > 0);
        json_put_value(json->writer, json->types[i], &values[i]);
    }
    writer_put(json->writer, "]", 1);
    table_totals_add(json->totals, values);
    return writer_check(json->writer, error);
}

static int end(struct report_sink *sink,
               bool (*progress)(void *argument, uint64_t done, uint64_t total), void *argument,
               struct kt_error *error)
{
    struct json *json = (struct json *)sink;
    (void)progress;
    (void)argument;
    writer_put_text(json->writer, "],\n\"row_count\":");
    json_put_integer(json->writer, (int64_t)json->rows);
    writer_put_text(json->writer, ",\n\"totals\":");
    table_totals_put_json(json->totals, json->writer);
    writer_put_text(json->writer, "}\n");
    return writer_flush(json->writer, error);
}

int report_json_new(TALLOC_CTX *context, int fd, const struct report_about *about,
                    struct report_sink **ret_sink, struct kt_error *error)
{
    struct json *json = talloc_zero(context, struct json);
    if (!json)
        return kt_error_set(error, -ENOMEM, "out of memory");
    json->sink = (struct report_sink){begin, row, end};
    json->about = about;
    int result = writer_new_to_file(json, fd, &json->writer, error);
    if (result < 0)
        talloc_free(json);
    else
        *ret_sink = &json->sink;
    return result;
}
