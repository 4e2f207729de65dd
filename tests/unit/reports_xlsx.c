/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: people would compute with a spreadsheet that lacks rows, and nobody told them. */
#include "files.h"
#include "reports/number_format.h"
#include "reports/workbook_check.h"
#include "reports/xlsx.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define SHEET "xl/worksheets/sheet1.xml"

static const struct report_column columns[] = {
    {.name = "name", .title = "Name", .type = REPORT_TEXT},
    {.name = "amount", .title = "Amount", .type = REPORT_INTEGER, .total = REPORT_SUM},
};

static struct report_value text(const char *value, size_t size)
{
    struct report_value made = {.form = REPORT_IS_TEXT};
    made.text = value;
    made.size = size;
    return made;
}

static struct report_value integer(int64_t value)
{
    return (struct report_value){.form = REPORT_IS_INTEGER, .integer = value};
}

static struct report_about describe(void)
{
    return (struct report_about){.title = "Test", .who = "ada", .version = "1", .made_ms = 1};
}

/** A workbook to fd. @return what the first call that failed gave */
static int write_workbook(int fd, const struct report_about *about, size_t rows,
                          struct kt_error *error)
{
    struct report_sink *sink;
    int result = report_xlsx_new(memory, fd, directory, about, &sink, error);
    if (result < 0)
        return result;
    result = sink->begin(sink, columns, 2, error);
    for (size_t i = 0; i < rows && result == 0; i++) {
        const struct report_value values[] = {text("row", 3), integer((int64_t)i)};
        result = sink->row(sink, values, error);
    }
    if (result == 0)
        result = sink->end(sink, NULL, NULL, error);
    talloc_free(sink);
    return result;
}

static int memory_file(void)
{
    int fd = memfd_create("workbook", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/** A workbook in a memory file. */
static struct zip_place make_workbook(size_t rows)
{
    const struct report_about about = describe();
    struct kt_error error = {0};
    int fd = memory_file();
    assert_int_equal(write_workbook(fd, &about, rows, &error), 0);
    return (struct zip_place){.fd = fd, .size = (uint64_t)lseek(fd, 0, SEEK_CUR)};
}

static const struct zip_entry *find(const struct zip_place *place, const char *name)
{
    struct zip_entry *entries;
    struct kt_error error;
    size_t count;
    assert_int_equal(zip_read(memory, place, &entries, &count, &error), 0);
    for (size_t i = 0; i < count; i++)
        if (strcmp(entries[i].name, name) == 0)
            return &entries[i];
    fail_msg("%s is missing", name);
    return NULL;
}

static char *load(const struct zip_place *place, const char *name)
{
    struct kt_error error;
    char *loaded;
    assert_int_equal(zip_load(memory, place, find(place, name), &loaded, &error), 0);
    return loaded;
}

/** What the check says of a workbook that should have so many rows. */
static int check(const struct zip_place *place, uint64_t rows, struct kt_error *error)
{
    struct sheet sheet = {.name = SHEET, .rows = rows};
    const struct workbook_check expected = {.sheets = &sheet, .sheet_count = 1};
    return workbook_check(place, &expected, error);
}

/* ---------------------------------------------------------------- what is written */

/** Behind what is in the file already; programs know it by its first members. */
static void structure(void **state)
{
    const struct report_about about = describe();
    struct zip_entry *entries;
    struct kt_error error;
    size_t count;
    int fd = memory_file();
    (void)state;
    assert_int_equal(write(fd, "before", 6), 6);
    assert_int_equal(write_workbook(fd, &about, 3, &error), 0);
    off_t end = lseek(fd, 0, SEEK_CUR);
    assert_int_equal(end, lseek(fd, 0, SEEK_END));
    const struct zip_place place = {fd, 6, (uint64_t)end - 6};
    assert_int_equal(zip_read(memory, &place, &entries, &count, &error), 0);
    assert_string_equal(entries[0].name, "[Content_Types].xml");
    assert_string_equal(entries[1].name, SHEET);
    char *sheet = load(&place, SHEET);
    assert_non_null(strstr(sheet, "<dimension ref=\"A1:B5\"/>"));
    assert_non_null(strstr(sheet, "<autoFilter ref=\"A1:B4\"/>"));
    assert_non_null(strstr(sheet, "state=\"frozen\""));
    assert_non_null(strstr(sheet, "<row r=\"4\"><c r=\"A4\""));
    assert_non_null(strstr(sheet, "<f>SUM(B2:B4)</f><v>3</v>"));
    assert_int_equal(check(&place, 3, &error), 0);
    close(fd);
}

static void no_rows(void **state)
{
    struct zip_place place = make_workbook(0);
    struct kt_error error;
    (void)state;
    assert_int_equal(check(&place, 0, &error), 0);
    assert_non_null(strstr(load(&place, SHEET), "<dimension ref=\"A1:B2\"/>"));
    close(place.fd);
}

static bool count_newlines(void *argument, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *(uint64_t *)argument += data[i] == '\n';
    return true;
}

/** Rows that one sheet can't hold go on on the next; the total is of all. */
static void continued(void **state)
{
    const size_t rows = 1048574 + 2; /* the header and the totals have a row each */
    struct zip_place place = make_workbook(rows);
    struct kt_error error;
    uint64_t newlines = 0;
    (void)state;
    assert_int_equal(zip_walk(&place, find(&place, SHEET), count_newlines, &newlines, &error), 0);
    assert_int_equal(newlines, 1048574 + 1);
    char *second = load(&place, "xl/worksheets/sheet2.xml");
    assert_non_null(strstr(second, "<row r=\"3\"><c r=\"A3\""));
    assert_non_null(strstr(second, "<f>SUM('Data'!B2:B1048575,'Data 2'!B2:B3)</f>"
                                   "<v>549755289600</v>"));
    assert_non_null(strstr(second, "<autoFilter ref=\"A1:B3\"/>"));
    assert_non_null(strstr(load(&place, "xl/sharedStrings.xml"), "2 (one holds at most"));
    close(place.fd);
}

/** XML drops blanks at the ends of a text unless it is told not to. */
static void blanks_at_the_ends(void **state)
{
    const struct report_about about = describe();
    struct report_sink *sink;
    struct kt_error error;
    int fd = memory_file();
    const struct report_value values[][2] = {
        {text(" a", 2), integer(1)}, {text("b\n", 2), integer(1)}, {text("c c", 3), integer(1)}};
    (void)state;
    assert_int_equal(report_xlsx_new(memory, fd, directory, &about, &sink, &error), 0);
    assert_int_equal(sink->begin(sink, columns, 2, &error), 0);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_int_equal(sink->row(sink, values[i], &error), 0);
    assert_int_equal(sink->end(sink, NULL, NULL, &error), 0);
    const struct zip_place place = {.fd = fd, .size = (uint64_t)lseek(fd, 0, SEEK_CUR)};
    char *sheet = load(&place, SHEET);
    assert_non_null(strstr(sheet, "<t xml:space=\"preserve\"> a</t>"));
    assert_non_null(strstr(sheet, "<t xml:space=\"preserve\">b&#10;</t>"));
    assert_non_null(strstr(sheet, "<t>c c</t>"));
    close(fd);
}

/** A text that no cell can hold is cut, and the file says so. */
static void cut_texts(void **state)
{
    const struct report_about about = describe();
    struct report_sink *sink;
    struct kt_error error;
    int fd = memory_file();
    char *longest = talloc_zero_size(memory, 40000);
    const struct report_value fits[] = {text(longest, 32767), integer(1)};
    const struct report_value too_long[] = {text(longest, 40000), integer(1)};
    const struct report_value broken[] = {text("\xFF", 1), integer(1)};
    (void)state;
    memset(longest, 'x', 40000);
    assert_int_equal(report_xlsx_new(memory, fd, directory, &about, &sink, &error), 0);
    assert_int_equal(sink->begin(sink, columns, 2, &error), 0);
    assert_int_equal(sink->row(sink, fits, &error), 0);
    assert_int_equal(sink->row(sink, too_long, &error), 0);
    assert_int_equal(sink->row(sink, too_long, &error), 0);
    assert_int_equal(sink->row(sink, broken, &error), 0);
    assert_int_equal(sink->end(sink, NULL, NULL, &error), 0);
    const struct zip_place place = {.fd = fd, .size = (uint64_t)lseek(fd, 0, SEEK_CUR)};
    char *strings = load(&place, "xl/sharedStrings.xml");
    assert_non_null(strstr(strings, "Texts cut</t></si><si><t>2 (longer than"));
    assert_non_null(strstr(strings, "Texts changed</t></si><si><t>1 (had characters"));
    close(fd);
}

/* ---------------------------------------------------------------- what is damaged */

/** Any byte of the rows that is another one is found; so is any that is missing at the end. */
static void damage_is_found(void **state)
{
    struct zip_place place = make_workbook(2000);
    const struct zip_entry *entry = find(&place, SHEET);
    struct kt_error error;
    uint64_t first = entry->offset + ZIP_LOCAL_BYTES + strlen(SHEET) + ZIP64_LOCAL_EXTRA_BYTES;
    (void)state;
    assert_int_equal(check(&place, 2000, &error), 0);
    for (uint64_t at = 0; at < entry->packed; at += 61) {
        unsigned char byte, other;
        assert_int_equal(pread(place.fd, &byte, 1, (off_t)(first + at)), 1);
        other = (unsigned char)~byte; /* all bits: some of a block's header mean nothing */
        assert_int_equal(pwrite(place.fd, &other, 1, (off_t)(first + at)), 1);
        assert_int_equal(check(&place, 2000, &error), -EBADMSG);
        assert_int_equal(pwrite(place.fd, &byte, 1, (off_t)(first + at)), 1);
    }
    assert_int_equal(check(&place, 2000, &error), 0);
    for (uint64_t size = place.size - 1; size > 400; size -= 397) {
        const struct zip_place cut = {place.fd, 0, size};
        assert_int_equal(check(&cut, 2000, &error), -EBADMSG);
    }
    close(place.fd);
}

static void rows_are_counted(void **state)
{
    struct zip_place place = make_workbook(10);
    struct kt_error error;
    (void)state;
    assert_int_equal(check(&place, 11, &error), -EBADMSG);
    assert_non_null(strstr(error.text, "10 rows instead of 11"));
    assert_int_equal(check(&place, 9, &error), -EBADMSG);
    close(place.fd);
}

/** A sheet that was cut off before it was packed has a fitting checksum. */
static void missing_end_is_found(void **state)
{
    static const char *const parts[] = {"[Content_Types].xml", "_rels/.rels",
                                        "xl/workbook.xml",     "xl/_rels/workbook.xml.rels",
                                        "xl/styles.xml",       SHEET};
    static const struct {
        const char *sheet, *other, *words;
        int result;
    } cases[] = {
        {"<?xml?>\n<worksheet><row/></worksheet>", "<?xml?>\n<part a=\"b\"><c/></part>", "", 0},
        {"<?xml?>\n<worksheet><row/></workshe", "<?xml?>\n<part/>", "has no end", -EBADMSG},
        {"<?xml?>\n<worksheet></worksheet>", "<?xml?>\n<part><c/></pa", "is incomplete", -EBADMSG},
        {"<?xml?>\n<worksheet></worksheet>", "<?xml?>\n<part><c/>", "is incomplete", -EBADMSG},
        {"<?xml?>\n<worksheet></worksheet>", "", "is incomplete", -EBADMSG},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct zip_writer *zip;
        struct kt_error error = {0};
        size_t index;
        int fd = memory_file();
        assert_int_equal(zip_writer_new(memory, fd, &zip, &error), 0);
        for (size_t j = 0; j < sizeof parts / sizeof *parts; j++) {
            const char *content = strcmp(parts[j], SHEET) == 0 ? cases[i].sheet : cases[i].other;
            assert_int_equal(zip_writer_reserve(zip, parts[j], strlen(content), &index, &error), 0);
            assert_int_equal(zip_writer_fill(zip, index, content, strlen(content), &error), 0);
        }
        assert_int_equal(zip_writer_close(zip, &error), 0);
        const struct zip_place place = {.fd = fd, .size = zip_writer_size(zip)};
        assert_int_equal(check(&place, 0, &error), cases[i].result);
        assert_non_null(strstr(error.text, cases[i].words));
        close(fd);
    }
}

/* ---------------------------------------------------------------- what can't be written */

static void no_room_for_the_file(void **state)
{
    const struct report_about about = describe();
    struct kt_error error;
    int fd = open("/dev/full", O_RDWR | O_CLOEXEC);
    (void)state;
    assert_int_equal(write_workbook(fd, &about, 10, &error), -ENOSPC);
    assert_string_equal(error.text, "there is no room left for the file");
    close(fd);
}

/** libxlsxwriter does not notice when a temporary file of its own was cut off. */
static void no_room_for_temporary_files(void **state)
{
    enum { COUNT = 3000 };
    const char *labels[COUNT], *values[COUNT];
    struct report_about about = describe();
    const struct rlimit small = {64 * 1024, RLIM_INFINITY};
    struct rlimit before;
    struct kt_error error;
    int fd = memory_file();
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        labels[i] = talloc_asprintf(memory, "parameter with a long name %zu", i);
        values[i] = "";
    }
    about.parameter_count = COUNT;
    about.parameter_labels = labels;
    about.parameter_values = values;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int result = write_workbook(fd, &about, 10, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(result, -EBADMSG);
    assert_non_null(strstr(error.text, "incomplete"));
    assert_int_equal(rmdir(directory), 0); /* nothing was left there */
    assert_int_equal(mkdir(directory, 0700), 0);
    close(fd);
}

static bool cancel(void *argument, uint64_t done, uint64_t total)
{
    assert_true(done <= total);
    *(unsigned *)argument += 1;
    return true;
}

static void cancelled(void **state)
{
    const struct report_about about = describe();
    struct report_sink *sink;
    struct kt_error error;
    unsigned calls = 0;
    int fd = memory_file();
    (void)state;
    assert_int_equal(report_xlsx_new(memory, fd, directory, &about, &sink, &error), 0);
    assert_int_equal(sink->begin(sink, columns, 2, &error), 0);
    assert_int_equal(sink->end(sink, cancel, &calls, &error), -ECANCELED);
    assert_int_equal(calls, 1);
    close(fd);
}

static void refused(void **state)
{
    const struct report_column wrong = {
        .name = "n", .title = "N", .type = REPORT_NUMBER, .format = "0.00 kg"};
    const struct report_about about = describe();
    struct report_sink *sink;
    struct kt_error error;
    int fd = memory_file();
    (void)state;
    assert_int_equal(report_xlsx_new(memory, fd, "/does/not/exist", &about, &sink, &error),
                     -ENOENT);
    assert_int_equal(report_xlsx_new(memory, fd, directory, &about, &sink, &error), 0);
    assert_int_equal(sink->begin(sink, columns, 0, &error), -EINVAL);
    talloc_free(sink);
    assert_int_equal(report_xlsx_new(memory, fd, directory, &about, &sink, &error), 0);
    assert_int_equal(sink->begin(sink, &wrong, 1, &error), -EINVAL);
    talloc_free(sink);
    close(fd);
}

/** For one format that it does not know, a spreadsheet refuses the whole file. */
static void formats(void **state)
{
    static const char *const right[] = {"",
                                        "0",
                                        "#,##0.00",
                                        "0.0%",
                                        "#,##0.00 [$\xE2\x82\xAC-407]",
                                        "0.00 \\k\\g",
                                        "0 \"days\"",
                                        "yyyy-mm-dd",
                                        "dd.mm.yyyy hh:mm:ss.000",
                                        "[h]:mm:ss",
                                        "General",
                                        "0.00E+00",
                                        "h:mm AM/PM",
                                        "[Red]-0.00;[Blue]0.00;\"none\";@",
                                        "_-* #,##0.00\\ _\xE2\x82\xAC_-",
                                        "$ 0",
                                        "# ?/?"};
    static const char *const wrong[] = {"0.00\"", "[red", "0\\", "0;0;0;0;0", "0\n", "0 kg",
                                        "0 days", "0 d",  "abc", "0 E",       "_",   "hh:mm 0"};
    char long_one[300];
    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        if (!number_format_is_valid(right[i]))
            fail_msg("%s is refused", right[i]);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (number_format_is_valid(wrong[i]))
            fail_msg("%s is taken", wrong[i]);
    memset(long_one, '0', sizeof long_one - 1);
    long_one[sizeof long_one - 1] = '\0';
    assert_false(number_format_is_valid(long_one));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structure),
        cmocka_unit_test(no_rows),
        cmocka_unit_test(continued),
        cmocka_unit_test(blanks_at_the_ends),
        cmocka_unit_test(cut_texts),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(rows_are_counted),
        cmocka_unit_test(missing_end_is_found),
        cmocka_unit_test(no_room_for_the_file),
        cmocka_unit_test(no_room_for_temporary_files),
        cmocka_unit_test(cancelled),
        cmocka_unit_test(refused),
        cmocka_unit_test(formats),
    };
    return cmocka_run_group_tests(tests, directory_make, directory_remove);
}
