/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No XML parser: what could have happened is that something is missing, and that shows at the ends.
 */
#include "workbook_check.h"

#include <errno.h>
#include <inttypes.h>

#define SHEET_END "</worksheet>"
#define SHEET_END_BYTES (sizeof SHEET_END - 1)
/** The longest name of a part's first element. */
#define ELEMENT_MAX ((size_t)64)

/** One run through a workbook. */
struct run {
    const struct workbook_check *check;
    uint64_t done, total; /**< bytes of content */
    /* of the sheet at hand */
    uint64_t newlines;
    char end[SHEET_END_BYTES]; /**< its last bytes */
};

static int bad(struct kt_error *error, const char *part, const char *what)
{
    return kt_error_set(error, -EBADMSG, "the workbook was not written whole: %s %s", part, what);
}

static bool tell(struct run *run, size_t size)
{
    const struct workbook_check *check = run->check;
    run->done += size;
    return !check->progress || !check->progress(check->argument, run->done, run->total);
}

/* ---------------------------------------------------------------- sheets of data */

/** Each row begins with a newline, and nothing else has one but the XML declaration. */
static bool count_rows(void *argument, const char *data, size_t size)
{
    struct run *run = argument;
    for (const char *at = data; (at = memchr(at, '\n', size - (size_t)(at - data))); at++)
        run->newlines++;
    if (size >= SHEET_END_BYTES) {
        memcpy(run->end, data + size - SHEET_END_BYTES, SHEET_END_BYTES);
    } else {
        memmove(run->end, run->end + size, SHEET_END_BYTES - size);
        memcpy(run->end + SHEET_END_BYTES - size, data, size);
    }
    return tell(run, size);
}

static int check_sheet(struct run *run, const struct zip_place *place,
                       const struct zip_entry *entry, const struct sheet *sheet,
                       struct kt_error *error)
{
    run->newlines = 0;
    memset(run->end, 0, sizeof run->end);
    int result = zip_walk(place, entry, count_rows, run, error);
    if (result < 0)
        return result;
    if (memcmp(run->end, SHEET_END, SHEET_END_BYTES) != 0)
        return bad(error, sheet->name, "has no end");
    if (run->newlines != sheet->rows + 1)
        return kt_error_set(error, -EBADMSG,
                            "the workbook was not written whole: %s has %" PRIu64
                            " rows instead of %" PRIu64,
                            sheet->name, run->newlines > 0 ? run->newlines - 1 : 0, sheet->rows);
    return 0;
}

/* ---------------------------------------------------------------- all other parts */

static bool ends_with(const char *text, size_t size, const char *end)
{
    size_t end_size = strlen(end);
    return size >= end_size && memcmp(text + size - end_size, end, end_size) == 0;
}

/** Whether XML ends with what ends its first element. */
static bool is_whole(const char *text)
{
    static const char blanks[] = " \t\r\n";
    char end[ELEMENT_MAX + 4] = "</";
    size_t size = strlen(text);
    while (size > 0 && strchr(blanks, text[size - 1]))
        size--;
    const char *at = strstr(text, "?>");
    at = at ? strchr(at, '<') : NULL;
    if (!at)
        return false;
    size_t name = strcspn(++at, " \t\r\n/>");
    if (name == 0 || name > ELEMENT_MAX)
        return false;
    memcpy(end + 2, at, name);
    memcpy(end + 2 + name, ">", 2);
    /* an empty element ends where its beginning does */
    const char *begin_end = strchr(at, '>');
    bool is_empty = begin_end && begin_end == text + size - 1 && begin_end[-1] == '/';
    return is_empty || ends_with(text, size, end);
}

static int check_part(struct run *run, const struct zip_place *place, const struct zip_entry *entry,
                      struct kt_error *error)
{
    char *text;
    int result = zip_load(NULL, place, entry, &text, error);
    if (result < 0)
        return result;
    if (!is_whole(text))
        result = bad(error, entry->name, "is incomplete");
    else if (!tell(run, (size_t)entry->size))
        result = kt_error_set(error, -ECANCELED, "it was cancelled");
    talloc_free(text);
    return result;
}

/* ---------------------------------------------------------------- the whole */

/** The sheet of data that a part is; NULL: another part. */
static const struct sheet *find_sheet(const struct workbook_check *check, const char *name)
{
    for (size_t i = 0; i < check->sheet_count; i++)
        if (strcmp(check->sheets[i].name, name) == 0)
            return &check->sheets[i];
    return NULL;
}

/** Every sheet and what no workbook can do without must be there. */
static int check_names(const struct workbook_check *check, const struct zip_entry *entries,
                       size_t count, struct kt_error *error)
{
    static const char *const needed[] = {"[Content_Types].xml", "_rels/.rels", "xl/workbook.xml",
                                         "xl/_rels/workbook.xml.rels", "xl/styles.xml"};
    const size_t needed_count = sizeof needed / sizeof *needed;
    for (size_t i = 0; i < needed_count + check->sheet_count; i++) {
        const char *name = i < needed_count ? needed[i] : check->sheets[i - needed_count].name;
        size_t at = 0;
        while (at < count && strcmp(entries[at].name, name) != 0)
            at++;
        if (at == count)
            return bad(error, name, "is missing");
    }
    return 0;
}

int workbook_check(const struct zip_place *place, const struct workbook_check *check,
                   struct kt_error *error)
{
    struct run run = {.check = check};
    struct zip_entry *entries;
    size_t count;
    int result = zip_read(NULL, place, &entries, &count, error);
    if (result < 0)
        return result;
    for (size_t i = 0; i < count; i++)
        run.total += entries[i].size;
    result = check_names(check, entries, count, error);
    for (size_t i = 0; i < count && result == 0; i++) {
        const struct sheet *sheet = find_sheet(check, entries[i].name);
        result = sheet ? check_sheet(&run, place, &entries[i], sheet, error)
                       : check_part(&run, place, &entries[i], error);
    }
    talloc_free(entries);
    return result;
}
