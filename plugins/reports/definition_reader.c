/* SPDX-License-Identifier: BSD-2-Clause */
/* Complaints, memory and words for those who read a definition. Knows no directive. */
#include "definition_reader.h"

#include <stdio.h>
#include <string.h>

void definition_complain(struct definition_reader *reader, unsigned line, const char *format, ...)
{
    char words[KT_ERROR_TEXT_MAX], text[KT_ERROR_TEXT_MAX];
    va_list arguments;
    if (reader->problem_count++ >= DEFINITION_PROBLEMS_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    snprintf(text, sizeof text, "%.200s:%u: %.300s", reader->definition->path, line, words);
    reader->problems->complain(reader->problems->argument, text);
}

void *definition_memory(struct definition_reader *reader, size_t size, size_t count)
{
    void *memory = talloc_zero_size(reader->definition, size * count);
    reader->is_out_of_memory |= !memory;
    return memory;
}

const char *definition_text(struct definition_reader *reader, const char *text, size_t size)
{
    const char *copy = talloc_strndup(reader->definition, text, size);
    reader->is_out_of_memory |= !copy;
    return copy ? copy : "";
}

/** Behind the quote that ends the quoted text at this place, or NULL. */
static const char *skip_quoted(const char *at)
{
    char quote = *at++;
    for (; *at; at++) {
        if (*at == quote && at[1] != quote)
            return at + 1;
        if (*at == quote)
            at++;
    }
    return NULL;
}

/** Behind a value: quotes hide blanks, and so do parentheses, in which SQL has both its quotes. */
static const char *skip_value(const char *at)
{
    for (unsigned depth = 0; *at && (depth > 0 || (*at != ' ' && *at != '\t'));) {
        if (*at == '"' || (*at == '\'' && depth > 0)) {
            at = skip_quoted(at);
            if (!at)
                return NULL;
            continue;
        }
        depth += *at == '(';
        depth -= *at == ')' && depth > 0;
        at++;
        if (!*at && depth > 0)
            return NULL;
    }
    return at;
}

bool definition_next(struct definition_reader *reader, const char **cursor,
                     struct definition_word *ret_word)
{
    const char *at = *cursor + strspn(*cursor, " \t");
    size_t key = strspn(at, "abcdefghijklmnopqrstuvwxyz");
    if (key > 0 && at[key] == '=') {
        ret_word->key = at;
        ret_word->key_size = key;
        at += key + 1;
    } else {
        ret_word->key = NULL;
        ret_word->key_size = 0;
    }
    const char *end = skip_value(at);
    if (!end) {
        definition_complain(reader, reader->line, "a quote or parenthesis is not closed: %s", at);
        *cursor = at + strlen(at);
        return false;
    }
    ret_word->value = at;
    ret_word->value_size = (size_t)(end - at);
    *cursor = end;
    return ret_word->key || end > at;
}

bool definition_is_key(const struct definition_word *word, const char *key)
{
    return word->key && strlen(key) == word->key_size &&
           memcmp(word->key, key, word->key_size) == 0;
}

bool definition_next_part(struct definition_word *rest, struct definition_word *ret_part)
{
    bool is_quoted = false;
    size_t size = 0;
    if (!rest->value)
        return false;
    for (; size < rest->value_size && (is_quoted || rest->value[size] != ','); size++)
        is_quoted ^= rest->value[size] == '"';
    *ret_part = (struct definition_word){.value = rest->value, .value_size = size};
    if (size == rest->value_size) {
        rest->value = NULL;
    } else {
        rest->value += size + 1;
        rest->value_size -= size + 1;
    }
    return true;
}

const char *definition_value(struct definition_reader *reader, const struct definition_word *word,
                             const char *what, size_t size_max)
{
    const char *text = word->value;
    size_t size = word->value_size, length = 0;
    char *copy = (char *)(uintptr_t)definition_text(reader, text, size);
    if (!*copy) /* also the constant "" of no memory */
        size = 0;
    if (size > 0 && text[0] == '"') {
        if (skip_quoted(text) != text + size)
            definition_complain(reader, reader->line, "%s: unexpected text behind a quote", what);
        for (size_t i = 1; i + 1 < size; i++) {
            copy[length++] = text[i];
            i += text[i] == '"';
        }
        copy[length] = '\0';
        size = length;
    }
    if (size == 0)
        definition_complain(reader, reader->line, "%s: nothing is given", what);
    else if (size > size_max)
        definition_complain(reader, reader->line, "%s: longer than %zu bytes", what, size_max);
    return copy;
}

bool definition_is_name(const char *text, char joint)
{
    if (*text < 'a' || *text > 'z')
        return false;
    for (; *text; text++)
        if (!((*text >= 'a' && *text <= 'z') || (*text >= '0' && *text <= '9') || *text == joint))
            return false;
    return true;
}
