/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the configuration. The syntax is INI: [section], key = value, values in double quotes
 * where blanks at the ends matter, comments on lines of their own.
 *
 * A parser of our own because the packaged inih cuts lines at 200 bytes without a word, gives its
 * handler no line numbers, and both are compiled into the library: a long value or a wrong one
 * could not be named.
 */
#include "base/configuration.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define NAME_CHARACTERS LETTERS "0123456789_-"
#define BLANKS " \t"

/** One file while it is being read. */
struct reader {
    struct kt_config *config;
    struct kt_problems *problems;
    const char *file;
    unsigned line;
    const char *place;                 /**< "file:line" of this line */
    struct kt_config_section *section; /**< the current one; NULL before the first header */
    bool is_skipping;                  /**< the last header was wrong: its keys are not judged */
    size_t *entries;                   /**< of all files */
};

const struct kt_config_section *kt_config_section(const struct kt_config *config, const char *name)
{
    for (unsigned i = 0; i < config->count; i++)
        if (strcmp(config->sections[i].name, name) == 0)
            return &config->sections[i];
    return NULL;
}

static struct kt_config_entry *find_entry(const struct kt_config_section *section, const char *key)
{
    for (unsigned i = 0; section != NULL && i < section->count; i++)
        if (strcmp(section->entries[i].key, key) == 0)
            return &section->entries[i];
    return NULL;
}

const struct kt_config_entry *kt_config_entry(const struct kt_config_section *section,
                                              const char *key)
{
    return find_entry(section, key);
}

/** Cut blanks off both ends, in place. */
static char *trim(char *text)
{
    text += strspn(text, BLANKS);
    size_t length = strlen(text);
    while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL)
        length--;
    text[length] = '\0';
    return text;
}

static bool is_name(const char *text)
{
    return *text != '\0' && strchr(LETTERS, *text) != NULL &&
           text[strspn(text, NAME_CHARACTERS)] == '\0';
}

static int read_header(struct reader *reader, char *text)
{
    size_t length = strlen(text);
    reader->section = NULL;
    reader->is_skipping = true;
    if (text[length - 1] != ']') {
        kt_problem_add(reader->problems, "%s: '%s' lacks the closing ]", reader->place, text);
        return 0;
    }
    text[length - 1] = '\0';
    char *name = trim(text + 1);
    if (!is_name(name)) {
        kt_problem_add(reader->problems,
                       "%s: '%s' is no name for a section: lower-case letters, digits, - and _, "
                       "beginning with a letter",
                       reader->place, name);
        return 0;
    }
    struct kt_config *config = reader->config;
    reader->is_skipping = false;
    reader->section = (struct kt_config_section *)kt_config_section(config, name);
    if (reader->section != NULL)
        return 0;
    if (config->count >= KT_CONFIG_SECTIONS_MAX) {
        kt_problem_add(reader->problems, "%s: more than %u sections", reader->place,
                       KT_CONFIG_SECTIONS_MAX);
        return -E2BIG;
    }
    struct kt_config_section *sections =
        talloc_realloc(config, config->sections, struct kt_config_section, config->count + 1);
    if (sections == NULL)
        return -ENOMEM;
    config->sections = sections;
    reader->section = &sections[config->count++];
    *reader->section = (struct kt_config_section){
        .name = talloc_strdup(config, name),
        .place = reader->place,
    };
    return reader->section->name != NULL ? 0 : -ENOMEM;
}

/** Take the quotes off a value, in place. @return NULL after telling what is wrong */
static char *unquote(const struct reader *reader, char *text)
{
    if (*text != '"')
        return text;
    char *to = text, *from = text + 1;
    while (*from != '"') {
        if (*from == '\\' && (from[1] == '"' || from[1] == '\\'))
            from++;
        if (*from == '\0') {
            kt_problem_add(reader->problems, "%s: the value lacks its closing quote",
                           reader->place);
            return NULL;
        }
        *to++ = *from++;
    }
    if (from[1] != '\0') {
        kt_problem_add(reader->problems,
                       "%s: something follows the closing quote (write \\\" for a quote inside)",
                       reader->place);
        return NULL;
    }
    *to = '\0';
    return text;
}

static int add_entry(struct reader *reader, const char *key, const char *value)
{
    struct kt_config_section *section = reader->section;
    struct kt_config_entry *entry = find_entry(section, key);
    if (entry != NULL && entry->file == reader->file) {
        kt_problem_add(reader->problems, "%s: '%s' was already set at %s", reader->place, key,
                       entry->place);
        return 0;
    }
    if (entry == NULL) {
        if (++*reader->entries > KT_CONFIG_ENTRIES_MAX) {
            kt_problem_add(reader->problems, "%s: more than %u entries", reader->place,
                           KT_CONFIG_ENTRIES_MAX);
            return -E2BIG;
        }
        entry = talloc_realloc(reader->config, section->entries, struct kt_config_entry,
                               section->count + 1);
        if (entry == NULL)
            return -ENOMEM;
        section->entries = entry;
        entry += section->count++;
        entry->key = talloc_strdup(reader->config, key);
    }
    entry->value = talloc_strdup(reader->config, value);
    entry->place = reader->place;
    entry->file = reader->file;
    return entry->key != NULL && entry->value != NULL ? 0 : -ENOMEM;
}

static int read_entry(struct reader *reader, char *text)
{
    char *equals = strchr(text, '=');
    if (equals == NULL) {
        kt_problem_add(reader->problems, "%s: '%.60s' is neither [section] nor key = value",
                       reader->place, text);
        return 0;
    }
    *equals = '\0';
    char *key = trim(text);
    if (!is_name(key)) {
        kt_problem_add(reader->problems,
                       "%s: '%.60s' is no name for a key: lower-case letters, digits, - and _, "
                       "beginning with a letter",
                       reader->place, key);
        return 0;
    }
    if (reader->section == NULL) {
        if (!reader->is_skipping)
            kt_problem_add(reader->problems, "%s: '%s' stands before the first [section]",
                           reader->place, key);
        return 0;
    }
    char *value = unquote(reader, trim(equals + 1));
    return value != NULL ? add_entry(reader, key, value) : 0;
}

static int read_line(struct reader *reader, char *line, size_t length)
{
    reader->line++;
    reader->place = talloc_asprintf(reader->config, "%s:%u", reader->file, reader->line);
    if (reader->place == NULL)
        return -ENOMEM;
    if (length > 0 && line[length - 1] == '\r')
        line[--length] = '\0';
    if (length > KT_CONFIG_LINE_MAX) {
        kt_problem_add(reader->problems, "%s: the line has %zu bytes, at most %u are read",
                       reader->place, length, KT_CONFIG_LINE_MAX);
        return 0;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)line[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            kt_problem_add(reader->problems, "%s: control character 0x%02x in column %zu",
                           reader->place, c, i + 1);
            return 0;
        }
    }
    char *text = trim(line);
    if (*text == '\0' || *text == '#' || *text == ';')
        return 0;
    return *text == '[' ? read_header(reader, text) : read_entry(reader, text);
}

/** Load a whole file, with a NUL behind it. @return 0, -EINVAL after telling why, -ENOMEM */
static int load_file(TALLOC_CTX *context, const char *path, struct kt_problems *problems,
                     char **ret_text, size_t *ret_size)
{
    int result = -EINVAL;
    size_t size = 0;
    struct stat status;
    char *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) < 0) {
        kt_problem_add(problems, "%s: cannot read: %s", path, strerror(errno));
        goto done;
    }
    if (!S_ISREG(status.st_mode) || status.st_size > (off_t)KT_CONFIG_FILE_MAX) {
        kt_problem_add(problems, "%s: not a regular file of at most %u bytes", path,
                       KT_CONFIG_FILE_MAX);
        goto done;
    }
    const size_t expected = (size_t)status.st_size;
    text = talloc_size(context, expected + 1);
    if (text == NULL) {
        result = -ENOMEM;
        goto done;
    }
    while (size < expected) {
        ssize_t got = read(fd, text + size, expected - size);
        if (got == 0)
            break; /* it has become shorter meanwhile */
        if (got > 0)
            size += (size_t)got;
        else if (errno != EINTR) {
            kt_problem_add(problems, "%s: cannot read: %s", path, strerror(errno));
            goto done;
        }
    }
    text[size] = '\0';
    *ret_text = text;
    *ret_size = size;
    result = 0;
done:
    if (fd >= 0)
        close(fd);
    if (result < 0)
        talloc_free(text);
    return result;
}

static int read_file(struct kt_config *config, const char *path, struct kt_problems *problems,
                     size_t *entries)
{
    char *text;
    size_t size;
    int result = load_file(config, path, problems, &text, &size);
    if (result < 0)
        return result == -ENOMEM ? result : 0;
    struct reader reader = {
        .config = config, .problems = problems, .file = path, .entries = entries};
    char *end = text + size;
    char *line = text;
    if (strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
        line += strlen(BYTE_ORDER_MARK);
    while (line < end && result == 0) {
        char *line_end = memchr(line, '\n', (size_t)(end - line));
        if (line_end == NULL)
            line_end = end;
        *line_end = '\0';
        result = read_line(&reader, line, (size_t)(line_end - line));
        line = line_end + 1;
    }
    talloc_free(text);
    return result == -ENOMEM ? result : 0;
}

static int is_configuration_file(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > strlen(".conf") &&
           strcmp(entry->d_name + length - strlen(".conf"), ".conf") == 0;
}

/** By bytes, whatever the locale says. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_directory(struct kt_config *config, const char *path, struct kt_problems *problems,
                          size_t *entries)
{
    const char *slash = strrchr(path, '/');
    const char *directory = slash == NULL
                                ? talloc_strdup(config, "conf.d")
                                : talloc_asprintf(config, "%.*s/conf.d", (int)(slash - path), path);
    if (directory == NULL)
        return -ENOMEM;
    struct dirent **names = NULL;
    int result = 0;
    int count = scandir(directory, &names, is_configuration_file, by_name);
    if (count < 0) {
        if (errno != ENOENT)
            kt_problem_add(problems, "%s: cannot list: %s", directory, strerror(errno));
        return 0;
    }
    if ((unsigned)count > KT_CONFIG_FILES_MAX)
        kt_problem_add(problems, "%s: more than %u files", directory, KT_CONFIG_FILES_MAX);
    for (int i = 0; i < count; i++) {
        if (result == 0 && (unsigned)count <= KT_CONFIG_FILES_MAX) {
            const char *file = talloc_asprintf(config, "%s/%s", directory, names[i]->d_name);
            result = file != NULL ? read_file(config, file, problems, entries) : -ENOMEM;
        }
        free(names[i]);
    }
    free(names);
    return result;
}

int kt_config_read(TALLOC_CTX *context, const char *path, struct kt_problems *problems,
                   struct kt_config **ret_config)
{
    size_t before = kt_problems_count(problems);
    size_t entries = 0;
    struct kt_config *config = talloc_zero(context, struct kt_config);
    if (config == NULL)
        return -ENOMEM;
    config->path = talloc_strdup(config, path);
    int result = config->path != NULL ? 0 : -ENOMEM;
    if (result == 0)
        result = read_file(config, config->path, problems, &entries);
    if (result == 0)
        result = read_directory(config, path, problems, &entries);
    if (result < 0) {
        talloc_free(config);
        return result;
    }
    *ret_config = config;
    return kt_problems_count(problems) > before ? -EINVAL : 0;
}
