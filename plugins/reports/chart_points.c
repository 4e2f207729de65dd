/* SPDX-License-Identifier: BSD-2-Clause */
/* Labels are kept as the JSON that they become. */
#include "chart_points.h"

#include "json_value.h"
#include "utf8.h"

#include <errno.h>
#include <math.h>

/** More points than a page is wide help nobody; an even number, since it is halved. */
#define POINTS_MAX 1000u
/** Slices of a pie; one more holds the others. */
#define SLICES_MAX 11u
/** Longer labels are cut. */
#define LABEL_BYTES ((size_t)200)
/** What a label can become as JSON. */
#define LABEL_JSON_MAX ((size_t)64 * 1024)

struct chart_points {
    const struct report_about *about;
    const struct report_column *columns; /**< copies of what is needed */
    size_t max, count;
    uint64_t every, seen; /**< rows */
    struct writer *label; /**< to make one */
    const char **labels;
    double *values; /**< of each point, one for each series; NaN: none */
    double *others; /**< of a pie: what came when all slices were taken */
};

/** @return the columns with texts of their own; NULL: no memory */
static struct report_column *copy_columns(TALLOC_CTX *context, const struct report_column *columns,
                                          size_t count)
{
    struct report_column *copies = talloc_array(context, struct report_column, (unsigned)count);
    for (size_t i = 0; copies && i < count; i++) {
        const char *title = columns[i].title ? columns[i].title : columns[i].name;
        copies[i] = columns[i];
        copies[i].name = talloc_strdup(copies, columns[i].name);
        copies[i].title = talloc_strdup(copies, title);
        copies[i].format = NULL;
        if (!copies[i].name || !copies[i].title)
            return NULL;
    }
    return copies;
}

int chart_points_new(TALLOC_CTX *context, const struct report_about *about,
                     const struct report_column *columns, size_t count,
                     struct chart_points **ret_points, struct kt_error *error)
{
    *ret_points = NULL;
    bool has_chart = about->chart != REPORT_NO_CHART && about->chart_x < count;
    for (size_t i = 0; i < about->chart_count; i++)
        has_chart = has_chart && about->chart_y[i] < count;
    if (!has_chart || about->chart_count == 0)
        return 0;
    struct chart_points *points = talloc_zero(context, struct chart_points);
    if (!points)
        return kt_error_set(error, -ENOMEM, "out of memory");
    unsigned series = (unsigned)about->chart_count;
    points->about = about;
    points->every = 1;
    points->max = about->chart == REPORT_PIE ? SLICES_MAX : POINTS_MAX;
    points->columns = copy_columns(points, columns, count);
    points->labels = talloc_array(points, const char *, (unsigned)points->max);
    points->values = talloc_array(points, double, (unsigned)points->max * series);
    points->others = talloc_zero_array(points, double, series);
    if (!points->columns || !points->labels || !points->values || !points->others) {
        talloc_free(points);
        return kt_error_set(error, -ENOMEM, "out of memory");
    }
    *ret_points = points;
    return 0;
}

static double number_of(const struct report_value *value)
{
    if (value->form == REPORT_IS_INTEGER)
        return (double)value->integer;
    return value->form == REPORT_IS_REAL && isfinite(value->real) ? value->real : NAN;
}

/** Keep every second of the points that there are. */
static void halve(struct chart_points *points)
{
    size_t series = points->about->chart_count;
    for (size_t i = 0; i < points->count; i++) {
        if (i % 2 == 1) {
            talloc_free((void *)(uintptr_t)points->labels[i]);
            continue;
        }
        points->labels[i / 2] = points->labels[i];
        memmove(&points->values[i / 2 * series], &points->values[i * series],
                series * sizeof *points->values);
    }
    points->count = (points->count + 1) / 2;
    points->every *= 2;
}

/** The label as JSON. @return NULL: no memory */
static const char *make_label(struct chart_points *points, const struct report_value *value)
{
    size_t column = points->about->chart_x;
    struct report_value cut = *value;
    struct kt_error error;
    if (cut.form == REPORT_IS_TEXT && cut.size > LABEL_BYTES)
        cut.size = utf8_fitting(cut.text, cut.size, LABEL_BYTES);
    if (!points->label &&
        writer_new_in_memory(points, LABEL_JSON_MAX, &points->label, &error) < 0)
        return NULL;
    points->label->used = 0;
    json_put_value(points->label, points->columns[column].type, &cut);
    if (writer_check(points->label, &error) < 0)
        return NULL;
    return talloc_strndup(points, points->label->text, points->label->used);
}

/** Set a point. @return 0, -ENOMEM */
static int set_point(struct chart_points *points, size_t at, const struct report_value *values,
                     struct kt_error *error)
{
    const struct report_about *about = points->about;
    const char *label = make_label(points, &values[about->chart_x]);
    if (!label)
        return kt_error_set(error, -ENOMEM, "out of memory");
    points->labels[at] = label;
    for (size_t i = 0; i < about->chart_count; i++)
        points->values[at * about->chart_count + i] = number_of(&values[about->chart_y[i]]);
    return 0;
}

static double or_zero(double value)
{
    return isnan(value) ? 0 : value;
}

static size_t smallest_slice(const struct chart_points *points)
{
    size_t series = points->about->chart_count, smallest = 0;
    for (size_t i = 1; i < points->count; i++)
        if (or_zero(points->values[i * series]) < or_zero(points->values[smallest * series]))
            smallest = i;
    return smallest;
}

/** Keep the largest slices, by their first series; what is pushed out joins the others. */
static int add_slice(struct chart_points *points, const struct report_value *values,
                     struct kt_error *error)
{
    const struct report_about *about = points->about;
    points->seen++;
    if (points->count < points->max)
        return set_point(points, points->count++, values, error);
    size_t smallest = smallest_slice(points);
    double *kept = &points->values[smallest * about->chart_count];
    if (or_zero(number_of(&values[about->chart_y[0]])) <= or_zero(kept[0])) {
        for (size_t i = 0; i < about->chart_count; i++)
            points->others[i] += or_zero(number_of(&values[about->chart_y[i]]));
        return 0;
    }
    for (size_t i = 0; i < about->chart_count; i++)
        points->others[i] += or_zero(kept[i]);
    talloc_free((void *)(uintptr_t)points->labels[smallest]);
    return set_point(points, smallest, values, error);
}

int chart_points_add(struct chart_points *points, const struct report_value *values,
                     struct kt_error *error)
{
    const struct report_about *about = points->about;
    if (about->chart == REPORT_PIE)
        return add_slice(points, values, error);
    if (points->seen++ % points->every != 0)
        return 0;
    if (points->count == points->max) {
        halve(points);
        if ((points->seen - 1) % points->every != 0)
            return 0;
    }
    return set_point(points, points->count++, values, error);
}

/* ---------------------------------------------------------------- JSON */

static void put_number(struct writer *writer, double value)
{
    if (isnan(value))
        writer_put_text(writer, "null");
    else
        json_put_real(writer, value);
}

static bool has_others(const struct chart_points *points)
{
    return points->about->chart == REPORT_PIE && points->seen > points->count;
}

static void put_labels(const struct chart_points *points, struct writer *writer)
{
    writer_put_text(writer, ",\"labels\":[");
    for (size_t i = 0; i < points->count; i++) {
        writer_put(writer, ",", i > 0);
        writer_put_text(writer, points->labels[i]);
    }
    if (has_others(points))
        writer_put_text(writer, ",\"All others\"");
    writer_put(writer, "]", 1);
}

static void put_series(const struct chart_points *points, size_t index, struct writer *writer)
{
    size_t series = points->about->chart_count;
    writer_put_text(writer, "{\"name\":");
    json_put_string(writer, points->columns[points->about->chart_y[index]].title);
    writer_put_text(writer, ",\"values\":[");
    for (size_t i = 0; i < points->count; i++) {
        writer_put(writer, ",", i > 0);
        put_number(writer, points->values[i * series + index]);
    }
    if (has_others(points)) {
        writer_put(writer, ",", 1);
        put_number(writer, points->others[index]);
    }
    writer_put_text(writer, "]}");
}

void chart_points_put_json(const struct chart_points *points, struct writer *writer)
{
    static const char *const kinds[] = {
        [REPORT_LINE] = "line",
        [REPORT_BAR] = "bar",
        [REPORT_STACKED_BAR] = "stacked",
        [REPORT_PIE] = "pie",
    };
    const struct report_about *about = points->about;
    writer_put_text(writer, "{\"kind\":");
    json_put_string(writer, kinds[about->chart]);
    writer_put_text(writer, ",\"x\":");
    json_put_string(writer, points->columns[about->chart_x].name);
    writer_put_text(writer, ",\"y\":[");
    for (size_t i = 0; i < about->chart_count; i++) {
        writer_put(writer, ",", i > 0);
        json_put_string(writer, points->columns[about->chart_y[i]].name);
    }
    writer_put(writer, "]", 1);
    put_labels(points, writer);
    writer_put_text(writer, ",\"series\":[");
    for (size_t i = 0; i < about->chart_count; i++) {
        writer_put(writer, ",", i > 0);
        put_series(points, i, writer);
    }
    writer_put_text(writer, "],\"every\":");
    json_put_integer(writer, (int64_t)points->every);
    writer_put_text(writer, ",\"is_complete\":");
    writer_put_text(writer, points->every == 1 ? "true}" : "false}");
}
