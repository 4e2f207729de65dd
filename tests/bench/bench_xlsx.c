/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a spreadsheet of a million rows of ten columns costs, checked as it is for people: one JSON
 * object a line, {"figure", "value", "unit"}, for the figures named on the command line. With
 * --libxlsxwriter first, the same cells are written with bare libxlsxwriter in its constant_memory
 * mode, which checks nothing. Both write into RAM.
 */
#include "reports/cells.h"
#include "reports/xlsx.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xlsxwriter.h>

#define ROWS 1000000u
#define COLUMNS 10u
#define DAY_MS INT64_C(86400000)

static const struct report_column columns[COLUMNS] = {
    {.name = "id", .title = "Order", .type = REPORT_INTEGER},
    {.name = "customer", .title = "Customer", .type = REPORT_TEXT},
    {.name = "city", .title = "City", .type = REPORT_TEXT},
    {.name = "day", .title = "Day", .type = REPORT_DATE},
    {.name = "at", .title = "At", .type = REPORT_DATETIME},
    {.name = "total", .title = "Total", .type = REPORT_MONEY, .total = REPORT_SUM},
    {.name = "weight", .title = "Weight", .type = REPORT_NUMBER},
    {.name = "share", .title = "Share", .type = REPORT_PERCENT},
    {.name = "took", .title = "Took", .type = REPORT_DURATION},
    {.name = "paid", .title = "Paid", .type = REPORT_BOOLEAN},
};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_xlsx: %s\n", what);
    exit(1);
}

/* ---------------------------------------------------------------- rows */

/** Numbers without a pattern that a compressor could find, the same in every run. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ value >> 27) * UINT64_C(0x94D049BB133111EB);
    return value ^ value >> 31;
}

static struct report_value integer(int64_t value)
{
    return (struct report_value){.form = REPORT_IS_INTEGER, .integer = value};
}

static struct report_value real(double value)
{
    return (struct report_value){.form = REPORT_IS_REAL, .real = value};
}

static struct report_value text(const char *value)
{
    struct report_value made = {.form = REPORT_IS_TEXT};
    made.text = value;
    made.size = strlen(value);
    return made;
}

/** The texts live until the next row. */
static void make_row(uint32_t number, struct report_value values[COLUMNS])
{
    static const char *const cities[] = {"K\xC3\xB6ln", "Berlin", "Paris & Lyon", "Porto", "Oslo"};
    static char customer[32];
    uint64_t random = mix(number);
    int64_t ms = INT64_C(1600000000000) + (int64_t)(random % 100000000) * 1000;
    snprintf(customer, sizeof customer, "customer %05u", (unsigned)(random >> 40) % 50000);
    values[0] = integer(1000000 + number);
    values[1] = text(customer);
    values[2] = text(cities[random % 5]);
    values[3] = integer(ms / DAY_MS);
    values[4] = integer(ms);
    values[5] = real((double)(random % 1000000) / 100);
    values[6] = real((double)(random >> 12) / 4e12);
    values[7] = real((double)(random % 997) / 1000);
    values[8] = integer((int64_t)(random % 90000) * 1000);
    values[9] = integer((int64_t)(random >> 20) & 1);
}

/* ---------------------------------------------------------------- ours */

static void must(int result, const struct kt_error *error)
{
    if (result < 0)
        die(error->text);
}

static void write_ours(const char *directory)
{
    static const struct report_about about = {
        .title = "Orders", .who = "bench", .version = "0", .made_ms = 1600000000000};
    struct report_value values[COLUMNS];
    struct report_sink *sink;
    struct kt_error error;
    TALLOC_CTX *memory = talloc_new(NULL);
    int fd = memfd_create("workbook", MFD_CLOEXEC);
    if (!memory || fd < 0)
        die("out of memory");
    must(report_xlsx_new(memory, fd, directory, &about, &sink, &error), &error);
    must(sink->begin(sink, columns, COLUMNS, &error), &error);
    for (uint32_t i = 0; i < ROWS; i++) {
        make_row(i, values);
        must(sink->row(sink, values, &error), &error);
    }
    must(sink->end(sink, NULL, NULL, &error), &error);
    talloc_free(memory);
    close(fd);
}

/* ---------------------------------------------------------------- libxlsxwriter */

static void write_cell(lxw_worksheet *sheet, lxw_row_t row, lxw_col_t column,
                       const struct report_value *value, lxw_format *format)
{
    enum report_type type = columns[column].type;
    if (value->form == REPORT_IS_TEXT)
        worksheet_write_string(sheet, row, column, value->text, NULL);
    else if (type == REPORT_BOOLEAN)
        worksheet_write_boolean(sheet, row, column, (int)value->integer, NULL);
    else
        worksheet_write_number(
            sheet, row, column,
            cell_number(type, value->form == REPORT_IS_REAL ? value->real : (double)value->integer),
            format);
}

static void write_theirs(const char *directory)
{
    static const char *const number_formats[COLUMNS] = {
        "0",        NULL, NULL,   "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss",
        "#,##0.00", NULL, "0.0%", "[h]:mm:ss",  NULL};
    struct report_value values[COLUMNS];
    char path[64], own_directory[64];
    snprintf(path, sizeof path, "%s/workbook.xlsx", directory);
    snprintf(own_directory, sizeof own_directory, "%s", directory);
    lxw_workbook_options options = {.constant_memory = LXW_TRUE, .tmpdir = own_directory};
    lxw_workbook *workbook = workbook_new_opt(path, &options);
    lxw_worksheet *sheet = workbook ? workbook_add_worksheet(workbook, "Data") : NULL;
    lxw_format *formats[COLUMNS] = {NULL};
    if (!sheet)
        die("out of memory");
    for (lxw_col_t i = 0; i < COLUMNS; i++) {
        if (number_formats[i]) {
            formats[i] = workbook_add_format(workbook);
            format_set_num_format(formats[i], number_formats[i]);
        }
        worksheet_write_string(sheet, 0, i, columns[i].title, NULL);
    }
    for (uint32_t i = 0; i < ROWS; i++) {
        make_row(i, values);
        for (lxw_col_t j = 0; j < COLUMNS; j++)
            write_cell(sheet, i + 1, j, &values[j], formats[j]);
    }
    worksheet_freeze_panes(sheet, 1, 0);
    worksheet_autofilter(sheet, 0, 0, ROWS, COLUMNS - 1);
    if (workbook_close(workbook) != LXW_NO_ERROR)
        die("libxlsxwriter failed");
    unlink(path);
}

/* ---------------------------------------------------------------- figures */

/** Writes a workbook in a process of its own. @param ret_mb  what it had of memory at most */
static double run(void (*write_it)(const char *directory), double *ret_mb)
{
    char directory[] = "/dev/shm/kontor-bench-XXXXXX";
    struct rusage usage;
    int status;
    if (!mkdtemp(directory))
        die("/dev/shm can't be written to");
    double start = seconds();
    pid_t pid = fork();
    if (pid == 0) {
        write_it(directory);
        _exit(0);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) < 0 || status != 0)
        die("a run failed");
    double took = seconds() - start;
    rmdir(directory);
    *ret_mb = (double)usage.ru_maxrss / 1024;
    return took;
}

int main(int argc, char **argv)
{
    bool is_peer = argc > 1 && strcmp(argv[1], "--libxlsxwriter") == 0;
    double mb, took = run(is_peer ? write_theirs : write_ours, &mb);
    for (int i = 1 + is_peer; i < argc; i++) {
        if (strcmp(argv[i], "xlsx_rows") == 0)
            printf("{\"figure\": \"xlsx_rows\", \"value\": %.4g, \"unit\": \"k/s\"}\n",
                   ROWS / took / 1000);
        else if (strcmp(argv[i], "xlsx_memory_mb") == 0)
            printf("{\"figure\": \"xlsx_memory_mb\", \"value\": %.4g, \"unit\": \"MB\"}\n", mb);
    }
    return 0;
}
