/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a definition: the lines of its head, each a directive; then the query. All that is wrong
 * is told, not only the first.
 */
#include "definition_reader.h"

#include "sql_text.h"
#include "utf8.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Bytes of a file, and files of a directory. */
#define FILE_MAX_BYTES ((size_t)256 * 1024)
#define FILES_MAX 512u
/** A report's name is part of a job's name, which has at most 63 bytes. */
#define NAME_MAX_BYTES 32u
#define SUMMARY_MAX_BYTES 1000u

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define TIMEOUT_DEFAULT_MS MINUTE_MS
#define RETENTION_DEFAULT_MS (30 * MINUTE_MS)

/* ---------------------------------------------------------------- simple directives */

static void read_title(struct definition_reader *reader, const char *text)
{
    if (strlen(text) > DEFINITION_TITLE_MAX)
        definition_complain(reader, reader->line, "title: longer than %u bytes",
                            DEFINITION_TITLE_MAX);
    reader->definition->title = text;
}

/** May be there several times: lines of one text. */
static void read_summary(struct definition_reader *reader, const char *text)
{
    struct definition *definition = reader->definition;
    const char *before = definition->summary ? definition->summary : "";
    if (strlen(before) + strlen(text) + 1 > SUMMARY_MAX_BYTES) {
        definition_complain(reader, reader->line, "summary: longer than %u bytes",
                            SUMMARY_MAX_BYTES);
        return;
    }
    if (*before)
        text = talloc_asprintf(definition, "%s %s", before, text);
    reader->is_out_of_memory |= !text;
    definition->summary = text ? text : "";
}

static void read_source(struct definition_reader *reader, const char *text)
{
    if (!definition_is_name(text, '-') || strlen(text) > NAME_MAX_BYTES)
        definition_complain(reader, reader->line, "source: '%s' is no name", text);
    reader->definition->source = text;
}

static void read_roles(struct definition_reader *reader, const char *text)
{
    struct definition_word word = {0};
    const char **roles = definition_memory(reader, sizeof *roles, DEFINITION_ROLES_MAX + 1);
    for (size_t count = 0; roles && definition_next(reader, &text, &word); count++) {
        const char *role = definition_text(reader, word.value, word.value_size);
        if (count == DEFINITION_ROLES_MAX) {
            definition_complain(reader, reader->line, "roles: more than %u", DEFINITION_ROLES_MAX);
            break;
        }
        if (word.key || !definition_is_name(role, '-') || strlen(role) > NAME_MAX_BYTES)
            definition_complain(reader, reader->line,
                                "roles: '%s' is no name: small letters, digits and -", role);
        roles[count] = role;
    }
    if (roles)
        reader->definition->roles = roles;
}

static void read_timezone(struct definition_reader *reader, const char *text)
{
    int result = wall_clock_new(reader->definition, text, &reader->definition->clock);
    reader->clock_line = reader->line;
    if (result == -ENOMEM)
        reader->is_out_of_memory = true;
    else if (result < 0)
        definition_complain(reader, reader->line,
                            "timezone: there is no time zone '%s'; use a name such as "
                            "Europe/Berlin",
                            text);
}

/** "120s" in milliseconds, or -1. */
static int64_t read_duration(const char *text)
{
    static const struct {
        const char *word;
        int64_t ms;
    } units[] = {{"s", SECOND_MS}, {"min", MINUTE_MS}, {"h", HOUR_MS}, {"d", DAY_MS}};
    char *end;
    if (*text < '0' || *text > '9')
        return -1;
    long number = strtol(text, &end, 10);
    end += strspn(end, " ");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i].word, end) == 0)
            return number > DAY_MS / units[i].ms ? DAY_MS + 1 : number * units[i].ms;
    return -1;
}

static int64_t read_span(struct definition_reader *reader, const char *what, const char *text)
{
    int64_t ms = read_duration(text);
    if (ms < SECOND_MS || ms > DAY_MS)
        definition_complain(reader, reader->line,
                            "%s: '%s' is no time from 1s to 24h, such as 90s, 30min or 2h", what,
                            text);
    return ms;
}

static void read_timeout(struct definition_reader *reader, const char *text)
{
    reader->definition->timeout_ms = read_span(reader, "timeout", text);
}

static void read_retention(struct definition_reader *reader, const char *text)
{
    reader->definition->retention_ms = read_span(reader, "retention", text);
}

/* ---------------------------------------------------------------- the head */

static const struct directive {
    const char *name;
    bool is_repeatable;
    void (*read)(struct definition_reader *reader, const char *text);
} directives[] = {
    {"title", false, read_title},
    {"summary", true, read_summary},
    {"source", false, read_source},
    {"roles", false, read_roles},
    {"timezone", false, read_timezone},
    {"timeout", false, read_timeout},
    {"retention", false, read_retention},
    {"param", true, definition_read_parameter},
    {"column", true, definition_read_column},
    {"chart", false, definition_read_chart},
};
#define DIRECTIVES (sizeof directives / sizeof *directives)
#define KNOWN "title, summary, source, roles, timezone, timeout, retention, param, column, chart"

/** The word of "-- word: …". @return its length, 0: a comment for people */
static size_t directive_word(const char *line, const char **ret_word)
{
    if (strncmp(line, "--", 2) != 0)
        return 0;
    *ret_word = line + 2 + strspn(line + 2, " \t");
    size_t length = strspn(*ret_word, "abcdefghijklmnopqrstuvwxyz");
    return (*ret_word)[length] == ':' ? length : 0;
}

static const struct directive *find_directive(const char *word, size_t length)
{
    for (size_t i = 0; i < DIRECTIVES; i++)
        if (strlen(directives[i].name) == length && memcmp(directives[i].name, word, length) == 0)
            return &directives[i];
    return NULL;
}

static void read_line(struct definition_reader *reader, const char *line, unsigned *first_lines)
{
    const char *word;
    size_t length = directive_word(line, &word);
    if (length == 0)
        return;
    const struct directive *directive = find_directive(word, length);
    if (!directive) {
        definition_complain(reader, reader->line, "there is no '%.*s', but " KNOWN, (int)length,
                            word);
        return;
    }
    unsigned *first = &first_lines[directive - directives];
    if (*first && !directive->is_repeatable) {
        definition_complain(reader, reader->line, "%s: is on line %u already", directive->name,
                            *first);
        return;
    }
    *first = reader->line;
    const char *begin = word + length + 1 + strspn(word + length + 1, " \t");
    size_t size = strlen(begin);
    while (size > 0 && (begin[size - 1] == ' ' || begin[size - 1] == '\t'))
        size--;
    if (size == 0)
        definition_complain(reader, reader->line, "%s: nothing is given", directive->name);
    else
        directive->read(reader, definition_text(reader, begin, size));
}

/** Read directives up to the query. @return where the query begins */
static const char *read_head(struct definition_reader *reader, const char *text)
{
    unsigned first_lines[DIRECTIVES] = {0};
    for (reader->line = 1; *text; reader->line++) {
        size_t size = strcspn(text, "\n");
        size_t blank = strspn(text, " \t\r");
        if (blank < size && strncmp(text + blank, "--", 2) != 0)
            break;
        char *line =
            talloc_strndup(reader->definition, text + blank, blank < size ? size - blank : 0);
        reader->is_out_of_memory |= !line;
        if (line && *line && line[strlen(line) - 1] == '\r')
            line[strlen(line) - 1] = '\0';
        if (line)
            read_line(reader, line, first_lines);
        talloc_free(line);
        text += size + (text[size] == '\n');
    }
    return text;
}

/* ---------------------------------------------------------------- the query */

static bool find_parameter(const struct definition_reader *reader, const struct sql_piece *piece,
                           size_t *ret_index)
{
    for (size_t i = 0; i < reader->definition->parameter_count; i++) {
        const char *name = reader->parameters[i].name;
        if (strlen(name) + 1 == piece->size &&
            memcmp(name, piece->text + 1, piece->size - 1) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

/** Parameters that are used but not declared, or declared but not used. */
static void check_use(struct definition_reader *reader)
{
    const struct definition *definition = reader->definition;
    bool is_used[DEFINITION_PARAMETERS_MAX] = {false};
    const char *counted = definition->sql; /* lines are counted on, so that no file takes long */
    unsigned line = definition->sql_line;
    struct sql_piece piece;
    size_t index;
    for (const char *cursor = definition->sql; (piece = sql_next(&cursor)).kind != SQL_END;) {
        if (piece.kind != SQL_PARAMETER)
            continue;
        line += sql_lines_before(counted, piece.text);
        counted = piece.text;
        if (find_parameter(reader, &piece, &index))
            is_used[index] = true;
        else
            definition_complain(reader, line, "the parameter %.*s is not declared", (int)piece.size,
                                piece.text);
    }
    for (size_t i = 0; i < definition->parameter_count; i++)
        if (!is_used[i] && !definition_is_asked(definition, &reader->parameters[i]))
            definition_complain(reader, reader->parameters[i].line,
                                "param: the query does not use :%s", reader->parameters[i].name);
}

/** A directive among the lines of the query would be taken for a comment without a word. */
static void check_late_directives(struct definition_reader *reader)
{
    const struct definition *definition = reader->definition;
    const char *line = definition->sql, *word;
    for (unsigned number = definition->sql_line; line; number++) {
        line += strspn(line, " \t");
        size_t length = directive_word(line, &word);
        if (length > 0 && find_directive(word, length))
            definition_complain(reader, number, "%.*s: stands above the query only", (int)length,
                                word);
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
}

static void check_query(struct definition_reader *reader)
{
    const struct definition *definition = reader->definition;
    const char *at;
    const char *wrong = sql_check(definition->sql, &at);
    if (wrong)
        definition_complain(reader, definition->sql_line + sql_lines_before(definition->sql, at),
                            "%s", wrong);
    check_use(reader);
    check_late_directives(reader);
}

/* ---------------------------------------------------------------- a file */

/** The line of the first byte that is no text: UTF-8 without control characters. @return 0: none */
static unsigned find_no_text(const char *text, size_t size)
{
    unsigned line = 1;
    for (size_t i = 0; i < size;) {
        size_t length = utf8_length(text + i, size - i);
        if (length == 0 || !utf8_is_printable(text + i, length))
            return line;
        line += text[i] == '\n';
        i += length;
    }
    return 0;
}

/** Read a file as a whole. @return 0, -EFBIG, or what the system says */
static int read_file(TALLOC_CTX *context, const char *path, char **ret_text, size_t *ret_size)
{
    char *text = talloc_size(context, FILE_MAX_BYTES + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), result = fd < 0 ? -errno : 0;
    struct stat status;
    size_t size = 0;
    if (result == 0 && !text)
        result = -ENOMEM;
    if (result == 0 && (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)))
        result = -EINVAL;
    while (result == 0 && size <= FILE_MAX_BYTES) {
        ssize_t got = read(fd, text + size, FILE_MAX_BYTES + 1 - size);
        if (got == 0)
            break;
        if (got > 0)
            size += (size_t)got;
        else if (errno != EINTR)
            result = -errno;
    }
    if (fd >= 0)
        close(fd);
    if (result == 0 && size > FILE_MAX_BYTES)
        result = -EFBIG;
    if (result == 0) {
        text[size] = '\0';
        *ret_text = text;
        *ret_size = size;
    }
    return result;
}

/** "/etc/kontor/reports.d/sales.sql" → "sales". */
static void read_name(struct definition_reader *reader)
{
    struct definition *definition = reader->definition;
    const char *slash = strrchr(definition->path, '/');
    const char *base = slash ? slash + 1 : definition->path;
    size_t size = strlen(base);
    if (size > 4 && strcmp(base + size - 4, ".sql") == 0)
        size -= 4;
    definition->name = definition_text(reader, base, size);
    if (!definition_is_name(definition->name, '-') || size > NAME_MAX_BYTES)
        definition_complain(reader, 1,
                            "the file's name is the report's: small letters, digits and -, at most "
                            "%u, then .sql",
                            NAME_MAX_BYTES);
    else if (strcmp(definition->name, "jobs") == 0)
        definition_complain(reader, 1,
                            "a report can't be named jobs: at that address all jobs are");
}

static void read_all(struct definition_reader *reader, const char *text, size_t size)
{
    struct definition *definition = reader->definition;
    unsigned char sum[crypto_generichash_BYTES_MIN];
    crypto_generichash(sum, sizeof sum, (const unsigned char *)text, size, NULL, 0);
    sodium_bin2hex(definition->version, sizeof definition->version, sum,
                   sizeof definition->version / 2);
    unsigned line = find_no_text(text, size);
    if (line > 0) {
        definition_complain(reader, line, "this is no text in UTF-8, or a control character");
        return;
    }
    read_name(reader);
    text = read_head(reader, text + (strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0));
    definition->sql_line = reader->line;
    definition->sql = definition_text(reader, text, strlen(text));
    if (!definition->title)
        definition_complain(reader, 1, "there is no title");
    if (!definition->source)
        definition_complain(reader, 1, "there is no source");
    if (!definition->summary)
        definition->summary = "";
    definition->is_personal =
        definition->source && strcmp(definition->source, DEFINITION_CALENDAR) == 0;
    definition_check_personal(reader);
    definition_check_chart(reader);
    check_query(reader);
}

int definition_read(TALLOC_CTX *context, const char *path,
                    const struct definition_problems *problems, struct definition **ret_definition)
{
    static const char *const everybody[] = {NULL};
    struct definition *definition = talloc_zero(context, struct definition);
    struct definition_reader reader = {.definition = definition, .problems = problems};
    char *text;
    size_t size;
    if (!definition)
        return -ENOMEM;
    definition->path = definition_text(&reader, path, strlen(path));
    definition->roles = everybody;
    definition->timeout_ms = TIMEOUT_DEFAULT_MS;
    definition->retention_ms = RETENTION_DEFAULT_MS;
    reader.parameters =
        definition_memory(&reader, sizeof *reader.parameters, DEFINITION_PARAMETERS_MAX);
    reader.columns = definition_memory(&reader, sizeof *reader.columns, DEFINITION_COLUMNS_MAX);
    reader.column_lines =
        definition_memory(&reader, sizeof *reader.column_lines, DEFINITION_COLUMNS_MAX);
    definition->parameters = reader.parameters;
    definition->columns = reader.columns;
    definition->column_lines = reader.column_lines;
    int result = reader.is_out_of_memory ? -ENOMEM : read_file(definition, path, &text, &size);
    if (result < 0 && result != -ENOMEM)
        definition_complain(&reader, 1, "can't be read: %s",
                            result == -EFBIG ? "it is too large" : strerror(-result));
    if (result == 0) {
        read_all(&reader, text, size);
        talloc_free(text);
    }
    if (reader.is_out_of_memory)
        result = -ENOMEM;
    else if (result == 0 && reader.problem_count > 0)
        result = -EINVAL;
    if (result < 0)
        talloc_free(definition);
    else
        *ret_definition = definition;
    return result;
}

/* ---------------------------------------------------------------- a directory */

static int is_definition(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 4 && strcmp(entry->d_name + length - 4, ".sql") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int tell_too_many(const char *directory, const struct definition_problems *problems)
{
    char text[KT_ERROR_TEXT_MAX];
    snprintf(text, sizeof text, "%.200s: more than %u reports", directory, FILES_MAX);
    problems->complain(problems->argument, text);
    return -E2BIG;
}

int definitions_read(TALLOC_CTX *context, const char *directory,
                     const struct definition_problems *problems, struct definition ***ret_list,
                     size_t *ret_count)
{
    struct dirent **entries;
    int found = scandir(directory, &entries, is_definition, by_name), result = 0;
    if (found < 0)
        return -errno;
    struct definition **list = talloc_array(context, struct definition *, FILES_MAX);
    size_t count = 0;
    if (!list)
        result = -ENOMEM;
    else if (found > (int)FILES_MAX)
        result = tell_too_many(directory, problems);
    for (int i = 0; i < found; i++) {
        char *path = talloc_asprintf(list, "%s/%s", directory, entries[i]->d_name);
        int one = !path || result == -ENOMEM || result == -E2BIG
                      ? -ENOMEM
                      : definition_read(list, path, problems, &list[count]);
        free(entries[i]);
        talloc_free(path);
        count += one == 0;
        if (one < 0 && result != -E2BIG)
            result = one;
    }
    free(entries);
    if (result < 0) {
        talloc_free(list);
        return result;
    }
    *ret_list = list;
    *ret_count = count;
    return 0;
}
