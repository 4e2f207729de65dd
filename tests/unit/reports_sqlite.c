/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A report could change a shop's data, read other files, or run for ever, if these failed: whatever
 * its query says, a SQLite source only reads its one file, in the time it has, and gives each value
 * as the type it is.
 */
#include "files.h"

#include "reports/source.h"

#include <inttypes.h>
#include <kontor/error.h>
#include <sqlite3.h>
#include <time.h>

/** More steps than any machine does within the tests. */
#define ENDLESS "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "

/* ---------------------------------------------------------------- a database and a source */

static sqlite3 *database;
static struct source *source;
static struct kt_error why;

static void execute(const char *sql)
{
    char *text = NULL;
    if (sqlite3_exec(database, sql, NULL, NULL, &text) != SQLITE_OK)
        fail_msg("%s: %s", sql, text);
}

static char *address_of(const char *name)
{
    return talloc_asprintf(memory, "sqlite:%s", path_of(name));
}

static int shop_make(void **state)
{
    if (directory_make(state) < 0)
        return -1;
    why = (struct kt_error){0};
    if (sqlite3_open(path_of("shop.db"), &database) != SQLITE_OK)
        return -1;
    execute("CREATE TABLE sale (id INTEGER PRIMARY KEY, day DATE, total REAL, note TEXT);"
            "INSERT INTO sale VALUES (1, '2026-11-20', 1.5, 'one'), (2, '2026-11-21', 2.5, NULL);");
    return source_open(memory, "shop", address_of("shop.db"), &source, &why);
}

static int shop_remove(void **state)
{
    sqlite3_close(database);
    return directory_remove(state);
}

#define TEST_WITH_SHOP(test) cmocka_unit_test_setup_teardown(test, shop_make, shop_remove)

/* ---------------------------------------------------------------- a sink that writes texts */

struct texts {
    struct report_sink sink;
    char *text; /**< "name type, …|a,b|c,d" */
    size_t count, rows;
};

static int take_columns(struct report_sink *sink, const struct report_column *columns, size_t count,
                        struct kt_error *error)
{
    struct texts *texts = (struct texts *)sink;
    (void)error;
    assert_null(texts->text);
    texts->count = count;
    texts->text = talloc_strdup(memory, "");
    for (size_t i = 0; i < count; i++)
        texts->text = talloc_asprintf_append(texts->text, "%s%s %s", i > 0 ? "," : "",
                                             columns[i].name, report_type_name(columns[i].type));
    return 0;
}

static int take_row(struct report_sink *sink, const struct report_value *values,
                    struct kt_error *error)
{
    struct texts *texts = (struct texts *)sink;
    (void)error;
    texts->rows++;
    for (size_t i = 0; i < texts->count; i++) {
        const struct report_value *value = &values[i];
        texts->text = talloc_asprintf_append(texts->text, i > 0 ? "," : "|");
        if (value->form == REPORT_IS_TEXT)
            texts->text =
                talloc_asprintf_append(texts->text, "'%.*s'", (int)value->size, value->text);
        else if (value->form == REPORT_IS_INTEGER)
            texts->text = talloc_asprintf_append(texts->text, "%" PRId64, value->integer);
        else if (value->form == REPORT_IS_REAL)
            texts->text = talloc_asprintf_append(texts->text, "%.15gr", value->real);
        else
            texts->text = talloc_asprintf_append(texts->text, "-");
    }
    return 0;
}

#define TEXTS ((struct texts){.sink = {.begin = take_columns, .row = take_row}})

/* ---------------------------------------------------------------- definitions without a file */

static struct definition make_definition(const char *sql)
{
    return (struct definition){.name = "r", .path = "r.sql", .sql = sql, .sql_line = 3};
}

static int run_with(const char *sql, const struct bound *bound, size_t bound_count,
                    const struct source_limits *limits, struct texts *texts)
{
    const struct definition definition = make_definition(sql);
    int result = source_prepare(source, &definition, &why);
    if (result == 0)
        result = source_run(source, &definition, bound, bound_count, limits, &texts->sink, NULL,
                            NULL, &why);
    return result;
}

static const struct source_limits patient = {.timeout_ms = 60000};

static void assert_rows(const char *sql, const char *expected)
{
    struct texts texts = TEXTS;
    if (run_with(sql, NULL, 0, &patient, &texts) < 0)
        fail_msg("%s: %s", sql, why.text);
    assert_string_equal(texts.text, expected);
}

/** The query is refused with this code and these words before it runs. */
static void assert_refused(const char *sql, int code, const char *words)
{
    const struct definition definition = make_definition(sql);
    int result = source_prepare(source, &definition, &why);
    if (result != code || !strstr(why.text, words))
        fail_msg("%s: %d, '%s', not %d, '%s'", sql, result, why.text, code, words);
}

/* ---------------------------------------------------------------- it only reads */

static void nothing_is_written(void **state)
{
    (void)state;
    const char *const writes[] = {
        "DELETE FROM sale",
        "INSERT INTO sale DEFAULT VALUES",
        "UPDATE sale SET total = 0",
        "DROP TABLE sale",
        "CREATE TABLE t (a)",
        "CREATE TEMP TABLE t AS SELECT 1",
        "REPLACE INTO sale VALUES (1, 2, 3, 4)",
        "ALTER TABLE sale RENAME TO t",
        "WITH a AS (SELECT 1) DELETE FROM sale",
        "WITH a AS (SELECT 1) INSERT INTO sale (id) SELECT 9",
        "SAVEPOINT s",
        "BEGIN",
        "ANALYZE",
        "DELETE FROM sale RETURNING *",
    };
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++)
        assert_refused(writes[i], -EPERM, "r.sql:3: a report can only read");
    /* these would only be refused when they run */
    assert_refused("REINDEX", -EINVAL, "a query begins with SELECT, WITH or VALUES");
    assert_refused("VACUUM INTO 'other.db'", -EINVAL, "a query begins with SELECT, WITH or VALUES");
    assert_rows("SELECT count(*), sum(total) FROM sale", "count(*) number,sum(total) number|2,4r");
}

static void no_other_files(void **state)
{
    (void)state;
    assert_refused("ATTACH 'other.db' AS other", -EPERM, "other databases are not allowed");
    assert_refused("DETACH main", -EPERM, "r.sql:3: ");
    assert_refused("PRAGMA query_only = 0", -EPERM, "pragmas are not allowed");
    assert_refused("PRAGMA temp_store_directory = '/etc'", -EPERM, "pragmas are not allowed");
    assert_refused("SELECT * FROM pragma_database_list", -EPERM, "r.sql:3: ");
    assert_refused("SELECT load_extension('libc.so.6')", -EPERM, "this function is not allowed");
    assert_refused("SELECT fts3_tokenizer('simple')", -EPERM, "this function is not allowed");
    assert_refused("SELECT readfile('/etc/passwd')", -EINVAL, "no such function");
    assert_refused("SELECT * FROM dbstat", -EPERM, "r.sql:3: a report can only read");
}

/** A view of the database is somebody else's SQL: it has no more rights than the report. */
static void hostile_schema(void **state)
{
    (void)state;
    execute("CREATE VIEW bad AS SELECT load_extension('libc.so.6');"
            "CREATE VIEW good AS SELECT sum(total) AS total FROM sale");
    assert_refused("SELECT * FROM bad", -EINVAL, "unsafe use of load_extension()");
    assert_rows("SELECT total FROM good", "total number|4r");
}

static void one_statement(void **state)
{
    (void)state;
    assert_rows("SELECT 1 AS a; -- the end\n/* it is */ ", "a number|1");
    assert_refused("SELECT 1;\nSELECT 2", -EINVAL, "r.sql:4: a report is one statement only");
    assert_refused("SELECT 1; DELETE FROM sale", -EINVAL, "one statement only");
    assert_refused("", -EINVAL, "r.sql:3: there is no query");
    assert_refused("-- nothing", -EINVAL, "there is no query");
    assert_refused("EXPLAIN SELECT 1", -EINVAL, "a query begins with SELECT, WITH or VALUES");
}

/* ---------------------------------------------------------------- mistakes have a line */

static void mistakes_have_a_line(void **state)
{
    (void)state;
    assert_refused("SELECT id,\n  nmae\nFROM sale", -EINVAL, "r.sql:4: no such column: nmae");
    assert_refused("SELECT 1\nFROM\nsales", -EINVAL, "r.sql:3: no such table: sales");
    assert_refused("SELECT\n* FORM sale", -EINVAL, "r.sql:4: near \"");
    /* newer versions of SQLite quote it */
    assert_refused("SELECT \"nmae\" FROM sale", -EINVAL, "no such column: ");
    assert_refused("SELECT ?", -EINVAL, "parameters have names, such as :from");
    assert_refused("SELECT ?1, @a, $b", -EINVAL, "parameters have names, such as :from");
    assert_refused("SELECT 1 AS a, 2 AS a", -EINVAL, "r.sql:3: the query has two columns 'a'");
    const struct report_column column = {.name = "total", .title = "Total", .type = REPORT_MONEY};
    const unsigned line = 2;
    struct definition definition = make_definition("SELECT 1 AS sum, 2 AS day");
    definition.columns = &column;
    definition.column_lines = &line;
    definition.column_count = 1;
    assert_int_equal(source_prepare(source, &definition, &why), -EINVAL);
    assert_string_equal(why.text, "r.sql:2: the query has no column 'total', but sum, day");
}

static void too_large_queries(void **state)
{
    (void)state;
    char *deep = talloc_strdup(memory, "SELECT "), *wide = talloc_strdup(memory, "SELECT 1 AS c0");
    for (unsigned i = 0; i < 1000; i++)
        deep = talloc_asprintf_append(deep, "(1+");
    assert_refused(talloc_asprintf_append(deep, "1%s", ""), -EINVAL, "r.sql:3: ");
    for (unsigned i = 1; i <= 1000; i++)
        wide = talloc_asprintf_append(wide, ", %u AS c%u", i, i);
    assert_refused(wide, -EINVAL, "the query has more than 1000 columns");
}

/* ---------------------------------------------------------------- types */

static void types_as_declared(void **state)
{
    (void)state;
    execute("CREATE TABLE t (i INT, n DECIMAL(10,2), d DATE, m DATETIME, b BOOLEAN, s VARCHAR(9));"
            "INSERT INTO t VALUES (9007199254740993, 1.25, '2026-11-20', '2026-11-20 19:00:01.5',"
            " 1, 'x'), (NULL, 'n/a', 'never', 1795201201, 0, 7)");
    assert_rows("SELECT * FROM t", "i integer,n number,d date,m datetime,b boolean,s text"
                                   "|9007199254740993,1.25r,20777,1795201201500,1,'x'"
                                   "|-,'n/a','never',1795201201000,0,'7'");
}

static void types_by_the_first_row(void **state)
{
    (void)state;
    assert_rows("SELECT 'a' AS a, 1 AS b, 1.5 AS c, NULL AS d", "a text,b number,c number,d number"
                                                                "|'a',1,1.5r,-");
    assert_rows("SELECT x'00ff0a' AS blob, '' AS empty", "blob text,empty text|'\\x00ff0a',''");
    assert_rows("SELECT zeroblob(20000) AS blob", "blob text|'(20000 bytes)'");
    assert_rows("SELECT 1e999 AS a, -1e999 AS b", "a number,b number|infr,-infr");
    assert_rows("SELECT id FROM sale WHERE 0", "id integer"); /* no row still has its columns */
}

static void declared_types_win(void **state)
{
    (void)state;
    const struct report_column columns[] = {
        {.name = "a", .title = "A", .type = REPORT_DATE},
        {.name = "b", .title = "B", .type = REPORT_DURATION},
        {.name = "c", .title = "C", .type = REPORT_MONEY},
    };
    const unsigned lines[] = {1, 1, 1};
    struct definition definition =
        make_definition("SELECT 'later' AS c, 1.5 AS b, '2026-11-20 10:00' AS a");
    definition.columns = columns;
    definition.column_lines = lines;
    definition.column_count = 3;
    struct texts texts = TEXTS;
    assert_int_equal(
        source_run(source, &definition, NULL, 0, &patient, &texts.sink, NULL, NULL, &why), 0);
    assert_string_equal(texts.text, "c money,b duration,a date|'later',1500,20777");
}

static void parameters_are_bound(void **state)
{
    (void)state;
    const struct bound bound[] = {
        {"text", PARAMETER_TEXT, "'; DROP TABLE sale; --"},
        {"none", PARAMETER_TEXT, NULL},
        {"integer", PARAMETER_INTEGER, "9223372036854775807"},
        {"number", PARAMETER_NUMBER, "2.5"},
        {"date", PARAMETER_DATE, "2026-11-20"},
        {"choices", PARAMETER_CHOICES, "[\"one\",\"x\"]"},
    };
    struct texts texts = TEXTS;
    assert_int_equal(
        run_with("SELECT :text AS t, :none AS n, :integer AS i, typeof(:number) AS f, "
                 "(SELECT id FROM sale WHERE total = :number) AS a, "
                 "(SELECT id FROM sale WHERE day = :date) AS b, "
                 "(SELECT id FROM sale WHERE note IN (SELECT value FROM json_each(:choices))) AS c",
                 bound, sizeof bound / sizeof *bound, &patient, &texts),
        0);
    assert_string_equal(texts.text, "t text,n number,i number,f text,a integer,b integer,c integer"
                                    "|''; DROP TABLE sale; --',-,9223372036854775807,'real',2,1,1");
    struct texts other = TEXTS;
    assert_int_equal(run_with("SELECT :nobody", bound, 6, &patient, &other), -EINVAL);
    assert_string_equal(why.text, "shop: nothing is given for the parameter :nobody");
}

/** Who asks for an invoice by a long number would get another one. */
static void long_numbers_are_themselves(void **state)
{
    (void)state;
    static const struct {
        const char *value, *row;
    } cases[] = {
        {"9007199254740991", "'real',1"},
        {"9007199254740993", "'integer',1"},
        {"-9007199254740993", "'integer',1"},
        {"9223372036854775807", "'integer',1"},
        {"9223372036854775808", "'real',0"}, /* no whole number of SQLite */
        {"7", "'real',1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct bound bound[] = {{"number", PARAMETER_NUMBER, cases[i].value}};
        char *sql = talloc_asprintf(memory,
                                    "SELECT typeof(:number) AS t, :number = %s AND "
                                    "typeof(%s) = 'integer' AS same",
                                    cases[i].value, cases[i].value);
        struct texts texts = TEXTS;
        assert_int_equal(run_with(sql, bound, 1, &patient, &texts), 0);
        assert_non_null(strstr(texts.text, cases[i].row));
    }
}

/** The same source runs one query after the other; a failed one leaves it usable. */
static void used_again(void **state)
{
    (void)state;
    assert_rows("SELECT id FROM sale", "id integer|1|2");
    assert_refused("SELECT nmae", -EINVAL, "no such column");
    assert_rows("SELECT note FROM sale", "note text|'one'|-");
}

/* ---------------------------------------------------------------- time */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void deadline(void **state)
{
    (void)state;
    const struct source_limits limits = {.timeout_ms = 100};
    struct texts texts = TEXTS;
    int64_t begin = now_ms();
    assert_int_equal(run_with(ENDLESS "SELECT max(i) AS a FROM n", NULL, 0, &limits, &texts),
                     -ETIMEDOUT);
    assert_string_equal(why.text, "the query took longer than 0.1 s");
    assert_true(now_ms() - begin < 10000);
    struct texts rows = TEXTS; /* also while rows come */
    assert_int_equal(
        run_with(ENDLESS "SELECT 1 AS a FROM n WHERE i % 100000 = 0", NULL, 0, &limits, &rows),
        -ETIMEDOUT);
    assert_rows("SELECT 1 AS a", "a number|1");
}

static bool after_a_few(void *argument)
{
    return ++*(int *)argument > 2;
}

static void cancelled(void **state)
{
    (void)state;
    int asked = 0;
    const struct source_limits limits = {60000, after_a_few, &asked};
    struct texts texts = TEXTS;
    assert_int_equal(run_with(ENDLESS "SELECT max(i) AS a FROM n", NULL, 0, &limits, &texts),
                     -ECANCELED);
    assert_string_equal(why.text, "the query was cancelled");
    assert_int_equal(asked, 3);
}

static bool at_three(void *argument, uint64_t count)
{
    *(uint64_t *)argument = count;
    return count == 3;
}

static void ended_by_the_counter_of_rows(void **state)
{
    (void)state;
    const struct definition definition = make_definition(ENDLESS "SELECT i FROM n");
    struct texts texts = TEXTS;
    uint64_t count = 0;
    assert_int_equal(
        source_run(source, &definition, NULL, 0, &patient, &texts.sink, at_three, &count, &why),
        -ECANCELED);
    assert_int_equal(count, 3);
    assert_int_equal(texts.rows, 3);
}

static int full(struct report_sink *sink, const struct report_value *values, struct kt_error *error)
{
    (void)sink, (void)values;
    return kt_error_set(error, -ENOSPC, "the sink is full");
}

static void ended_by_the_sink(void **state)
{
    (void)state;
    const struct definition definition = make_definition(ENDLESS "SELECT i FROM n");
    struct texts texts = TEXTS;
    texts.sink.row = full;
    assert_int_equal(
        source_run(source, &definition, NULL, 0, &patient, &texts.sink, NULL, NULL, &why), -ENOSPC);
    assert_string_equal(why.text, "the sink is full");
}

static void large_values(void **state)
{
    (void)state;
    struct texts texts = TEXTS;
    assert_int_equal(run_with("SELECT length(zeroblob(100000000)) AS a", NULL, 0, &patient, &texts),
                     -EINVAL);
    assert_non_null(strstr(why.text, "shop: string or blob too big"));
}

/* ---------------------------------------------------------------- files that are none */

static void missing_and_wrong_files(void **state)
{
    (void)state;
    struct source *none;
    assert_int_equal(source_open(memory, "none", address_of("none.db"), &none, &why), -EIO);
    assert_string_equal(why.text, "none: unable to open database file");
    assert_int_equal(access(path_of("none.db"), F_OK), -1); /* and none is made */
    write_text("text.db", "this is no database at all, but a text that is long enough to be one; "
                          "SQLite wants a header of 100 bytes");
    assert_int_equal(source_open(memory, "text", address_of("text.db"), &none, &why), -EIO);
    assert_string_equal(why.text, "text: file is not a database");
    assert_int_equal(source_open(memory, "x", "sqlite:relative.db", &none, &why), -EINVAL);
    assert_string_equal(why.text, "x: sqlite:relative.db: the path begins with a slash");
    assert_int_equal(source_open(memory, "x", "mysql://localhost", &none, &why), -EINVAL);
    assert_string_equal(why.text, "x: an address begins with sqlite:/ or postgresql://");
    assert_int_equal(source_check("sqlite:file:/etc/passwd?mode=rw", &why), -EINVAL);
}

static void locked(void **state)
{
    (void)state;
    const struct source_limits limits = {.timeout_ms = 200};
    struct texts texts = TEXTS;
    const struct definition definition = make_definition("SELECT id FROM sale");
    assert_int_equal(source_prepare(source, &definition, &why), 0);
    execute("BEGIN EXCLUSIVE");
    assert_int_equal(
        source_run(source, &definition, NULL, 0, &limits, &texts.sink, NULL, NULL, &why),
        -ETIMEDOUT);
    execute("COMMIT");
    assert_rows("SELECT id FROM sale", "id integer|1|2");
}

/** A writer that is done in time is only waited for; its change is seen. */
static void changed_in_between(void **state)
{
    (void)state;
    assert_rows("SELECT count(*) AS a FROM sale", "a number|2");
    execute("INSERT INTO sale (id) VALUES (3)");
    assert_rows("SELECT count(*) AS a FROM sale", "a number|3");
    execute("ALTER TABLE sale ADD COLUMN extra TEXT; UPDATE sale SET extra = 'x'");
    assert_rows("SELECT extra FROM sale WHERE id = 3", "extra text|'x'");
}

/** Columns that come in between would shift the values under the names. */
static void changed_before_it_runs(void **state)
{
    (void)state;
    const struct definition definition = make_definition("SELECT * FROM sale");
    struct texts texts = TEXTS;
    assert_int_equal(source_prepare(source, &definition, &why), 0);
    execute("ALTER TABLE sale ADD COLUMN extra TEXT");
    assert_int_equal(
        source_run(source, &definition, NULL, 0, &patient, &texts.sink, NULL, NULL, &why), -EAGAIN);
    assert_string_equal(why.text, "shop: somebody has changed the tables meanwhile");
    assert_int_equal(texts.rows, 0);
}

/** Without write access SQLite can't read a database in WAL mode: that must not be a riddle. */
static void wal_in_a_folder_of_others(void **state)
{
    (void)state;
    struct source *other;
    execute("PRAGMA journal_mode = WAL; INSERT INTO sale (id) VALUES (3)");
    assert_rows("SELECT count(*) AS a FROM sale", "a number|3");
    TALLOC_FREE(source);
    sqlite3_close(database); /* takes the two files of the WAL away */
    database = NULL;
    if (geteuid() == 0)
        return; /* may write everywhere */
    assert_int_equal(chmod(directory, 0555), 0);
    int result = source_open(memory, "shop", address_of("shop.db"), &other, &why);
    chmod(directory, 0755);
    assert_int_equal(result, -EIO);
    assert_string_equal(why.text,
                        "shop: the directory of a database in WAL mode must be writable");
}

/* ---------------------------------------------------------------- choices */

static void choices(void **state)
{
    (void)state;
    char **list;
    assert_int_equal(
        source_choices(source, memory, "SELECT id, note FROM sale", &patient, &list, &why), 0);
    assert_string_equal(list[0], "1");
    assert_string_equal(list[1], "one");
    assert_string_equal(list[2], "2");
    assert_string_equal(list[3], "2"); /* without a label the value is one */
    assert_null(list[4]);
    assert_int_equal(source_choices(source, memory, "SELECT note FROM sale", &patient, &list, &why),
                     0);
    assert_string_equal(list[0], "one");
    assert_null(list[2]); /* NULL is no choice */
    assert_int_equal(
        source_choices(source, memory, ENDLESS "SELECT i FROM n", &patient, &list, &why), -E2BIG);
    assert_string_equal(why.text, "there are more than 1000 choices");
    assert_int_equal(
        source_choices(source, memory, "SELECT printf('%1001d', 1)", &patient, &list, &why),
        -E2BIG);
    assert_string_equal(why.text, "a choice has more than 1000 bytes");
    assert_int_equal(source_choices(source, memory, "DROP TABLE sale", &patient, &list, &why),
                     -EPERM);
}

static void mistakes_of_choices_have_a_line(void **state)
{
    (void)state;
    const struct parameter parameters[] = {
        {.name = "a", .type = PARAMETER_CHOICE, .values_query = "SELECT id FROM sale", .line = 2},
        {.name = "b", .type = PARAMETER_CHOICE, .values_query = "SELECT nmae FROM sale", .line = 3},
    };
    struct definition definition = make_definition("SELECT :a, :b");
    definition.parameters = parameters;
    definition.parameter_count = 2;
    assert_int_equal(source_prepare(source, &definition, &why), 0);
    assert_int_equal(source_check_definition(source, &definition, &why), -EINVAL);
    assert_string_equal(why.text, "r.sql:3: no such column: nmae");
    definition.parameter_count = 1;
    assert_int_equal(source_check_definition(source, &definition, &why), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_WITH_SHOP(nothing_is_written),
        TEST_WITH_SHOP(no_other_files),
        TEST_WITH_SHOP(hostile_schema),
        TEST_WITH_SHOP(one_statement),
        TEST_WITH_SHOP(mistakes_have_a_line),
        TEST_WITH_SHOP(too_large_queries),
        TEST_WITH_SHOP(types_as_declared),
        TEST_WITH_SHOP(types_by_the_first_row),
        TEST_WITH_SHOP(declared_types_win),
        TEST_WITH_SHOP(parameters_are_bound),
        TEST_WITH_SHOP(long_numbers_are_themselves),
        TEST_WITH_SHOP(used_again),
        TEST_WITH_SHOP(deadline),
        TEST_WITH_SHOP(cancelled),
        TEST_WITH_SHOP(ended_by_the_counter_of_rows),
        TEST_WITH_SHOP(ended_by_the_sink),
        TEST_WITH_SHOP(large_values),
        TEST_WITH_SHOP(missing_and_wrong_files),
        TEST_WITH_SHOP(locked),
        TEST_WITH_SHOP(changed_in_between),
        TEST_WITH_SHOP(changed_before_it_runs),
        TEST_WITH_SHOP(wal_in_a_folder_of_others),
        TEST_WITH_SHOP(choices),
        TEST_WITH_SHOP(mistakes_of_choices_have_a_line),
    };
    return cmocka_run_group_tests_name("reports_sqlite", tests, NULL, NULL);
}
