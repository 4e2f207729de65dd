/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From an order to a memory file. The rows of one run go into the file and into the preview; the
 * file is first in the memory, since it is written as the rows come, the preview is behind it.
 */
#include "make.h"

#include "catalogue.h"
#include "csv.h"
#include "json_rows.h"
#include "order.h"
#include "preview.h"
#include "tee.h"
#include "xlsx.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/** Read at once when the file's checksum is made. */
#define CHUNK_BYTES ((size_t)256 * 1024)

/** What one run holds. */
struct make {
    struct kt_job_run *run;
    TALLOC_CTX *memory;
    struct order *order;
    const struct definition *definition;
    struct catalogue *catalogue;
    struct report_sink *file, *both;
    struct report_preview *preview;
    uint64_t rows;
};

static bool is_cancelled(void *argument)
{
    const struct make *make = argument;
    return kt_job_is_cancelled(make->run);
}

static bool count_row(void *argument, uint64_t count)
{
    struct make *make = argument;
    make->rows = count;
    if (count % 256 != 0)
        return false;
    kt_job_progress(make->run, "rows", count, 0);
    return kt_job_is_cancelled(make->run);
}

static bool count_packing(void *argument, uint64_t done, uint64_t total)
{
    const struct make *make = argument;
    kt_job_progress(make->run, "packing", done, total);
    return kt_job_is_cancelled(make->run);
}

/* ---------------------------------------------------------------- before */

static int64_t unix_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/** Where a column is in the query, which may have others in between, in another order. */
static int find_column(const struct source *source, const char *name, size_t *ret_index)
{
    size_t count;
    const struct report_column *columns = source_columns(source, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(columns[i].name, name) == 0) {
            *ret_index = i;
            return 0;
        }
    }
    return -ENOENT;
}

/** What the file tells of itself. */
static const struct report_about *describe(const struct make *make, const struct source *source)
{
    const struct definition *definition = make->definition;
    const struct order *order = make->order;
    unsigned count = (unsigned)order->bound_count, series = 0;
    struct report_about *about = talloc_zero(make->memory, struct report_about);
    const char **labels = talloc_zero_array(make->memory, const char *, count + 1);
    const char **values = talloc_zero_array(make->memory, const char *, count + 1);
    while (definition->chart_y && definition->chart_y[series])
        series++;
    size_t *chart_y = talloc_zero_array(make->memory, size_t, series + 1);
    if (!about || !labels || !values || !chart_y)
        return NULL;
    for (unsigned i = 0; i < count; i++) {
        labels[i] = definition->parameters[i].label;
        values[i] = order->bound[i].value ? order->bound[i].value : "";
    }
    *about = (struct report_about){
        .title = definition->title,
        .who = order->who,
        .version = definition->version,
        .made_ms = unix_ms(),
        .parameter_count = count,
        .parameter_labels = labels,
        .parameter_values = values,
        .chart_y = chart_y,
    };
    /* a chart needs columns that are declared: only those are sure to be there */
    if (definition->chart && find_column(source, definition->chart_x, &about->chart_x) == 0) {
        for (unsigned i = 0; i < series; i++)
            if (find_column(source, definition->chart_y[i], &chart_y[about->chart_count]) == 0)
                about->chart_count++;
        if (about->chart_count > 0)
            about->chart = definition->chart;
    }
    return about;
}

static int open_sinks(struct make *make, const struct source *source, struct kt_error *error)
{
    const struct report_about *about = describe(make, source);
    int fd = kt_job_output(make->run), result = -EINVAL;
    if (!about)
        return kt_error_set(error, -ENOMEM, "out of memory");
    switch (make->order->file) {
    case REPORT_XLSX:
        result = report_xlsx_new(make->memory, fd, kt_job_directory(make->run), about, &make->file,
                                 error);
        break;
    case REPORT_CSV:
        result = report_csv_new(make->memory, fd, true, &make->file, error);
        break;
    case REPORT_JSON:
        result = report_json_new(make->memory, fd, about, &make->file, error);
        break;
    case REPORT_FILES:
        break;
    }
    if (result == 0)
        result = report_preview_new(make->memory, about, &make->preview, error);
    if (result == 0)
        result = report_tee_new(make->memory, make->file, report_preview_sink(make->preview),
                                &make->both, error);
    return result;
}

/** Read the order, and find what it asks for: it must be what it was when it was given. */
static int read_order(struct make *make, struct kt_error *error)
{
    int result = order_read(make->memory, kt_job_argument(make->run), &make->order);
    if (result < 0)
        return kt_error_set(error, result, "the order of this report can't be read");
    result = catalogue_read(make->memory, kt_job_plugin(make->run), false, &make->catalogue, error);
    if (result < 0)
        return result;
    make->definition = catalogue_find(make->catalogue, make->order->report);
    if (!make->definition || strcmp(make->definition->version, make->order->version) != 0 ||
        make->definition->parameter_count != make->order->bound_count)
        return kt_error_set(error, -ESTALE,
                            "this report has been changed meanwhile; please ask for it again");
    return 0;
}

/** The rows of a calendar came along with the order. */
static int load_rows(struct make *make, struct source *source, struct kt_error *error)
{
    int fd = kt_job_input(make->run);
    if (fd < 0) /* somebody joined a job that went before this one began */
        return kt_error_set(error, -ESTALE,
                            "its rows are not there any more; please ask for it again");
    return source_load(source, fd, error);
}

/* ---------------------------------------------------------------- after */

/** A checksum over the first bytes of the memory file, for the ETag. */
static int sum_file(int fd, uint64_t bytes, char ret_etag[33])
{
    crypto_generichash_state state;
    unsigned char sum[16], *chunk = talloc_size(NULL, CHUNK_BYTES);
    if (!chunk)
        return -ENOMEM;
    crypto_generichash_init(&state, NULL, 0, sizeof sum);
    for (uint64_t at = 0; at < bytes;) {
        uint64_t left = bytes - at;
        ssize_t got = pread(fd, chunk, left < CHUNK_BYTES ? left : CHUNK_BYTES, (off_t)at);
        if (got <= 0) {
            talloc_free(chunk);
            return got < 0 ? -errno : -EIO;
        }
        crypto_generichash_update(&state, chunk, (size_t)got);
        at += (uint64_t)got;
    }
    talloc_free(chunk);
    crypto_generichash_final(&state, sum, sizeof sum);
    sodium_bin2hex(ret_etag, 33, sum, sizeof sum);
    return 0;
}

static int write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, text, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        text += written;
        size -= (size_t)written;
    }
    return 0;
}

static int finish(struct make *make, struct kt_error *error)
{
    char text[KT_JOB_RESULT_MAX];
    int fd = kt_job_output(make->run);
    struct outcome outcome = {.file = make->order->file, .rows = make->rows};
    off_t end = lseek(fd, 0, SEEK_END);
    const char *preview = report_preview_json(make->preview, make->memory);
    if (end < 0 || !preview)
        return kt_error_set(error, -ENOMEM, "the preview could not be made");
    outcome.file_bytes = (uint64_t)end;
    outcome.preview_bytes = strlen(preview);
    snprintf(outcome.report, sizeof outcome.report, "%s", make->definition->name);
    int result = write_all(fd, preview, outcome.preview_bytes);
    if (result == 0)
        result = sum_file(fd, outcome.file_bytes, outcome.etag);
    if (result == 0)
        result = outcome_write(&outcome, text, sizeof text);
    if (result == 0)
        result = kt_job_result(make->run, text);
    return result < 0 ? kt_error_set(error, result, "the result could not be finished: %s",
                                     strerror(-result))
                      : 0;
}

int report_make(struct kt_job_run *run, struct kt_error *error)
{
    struct make make = {.run = run, .memory = talloc_new(NULL)};
    struct source *source;
    int result =
        make.memory ? read_order(&make, error) : kt_error_set(error, -ENOMEM, "out of memory");
    if (result == 0)
        result =
            source_open(make.memory, make.definition->source,
                        catalogue_address(make.catalogue, make.definition->source), &source, error);
    if (result == 0 && make.definition->is_personal)
        result = load_rows(&make, source, error);
    if (result == 0)
        result = source_prepare(source, make.definition, error);
    if (result == 0)
        result = open_sinks(&make, source, error);
    if (result == 0) {
        const struct source_limits limits = {make.definition->timeout_ms, is_cancelled, &make};
        kt_job_progress(run, "query", 0, 0);
        result = source_run(source, make.definition, make.order->bound, make.order->bound_count,
                            &limits, make.both, count_row, &make, error);
    }
    if (result == 0) {
        kt_job_progress(run, "packing", 0, 0);
        result = make.both->end(make.both, count_packing, &make, error);
    }
    if (result == 0)
        result = finish(&make, error);
    talloc_free(make.memory);
    return result;
}
