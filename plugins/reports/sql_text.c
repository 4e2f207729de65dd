/* SPDX-License-Identifier: BSD-2-Clause */
/* One function per kind of piece; each gets the place where the piece begins and returns its end. */
#include "sql_text.h"

#include <string.h>
#include <strings.h>

static bool is_letter(char sign)
{
    return (sign >= 'a' && sign <= 'z') || (sign >= 'A' && sign <= 'Z') || sign == '_' ||
           (unsigned char)sign >= 0x80;
}

static bool is_digit(char sign)
{
    return sign >= '0' && sign <= '9';
}

static const char *skip_word(const char *at)
{
    while (is_letter(*at) || is_digit(*at) || *at == '$')
        at++;
    return at;
}

/** From the opening quote; a doubled one is part of the text. @return NULL: it does not end */
static const char *skip_quoted(const char *at, bool has_backslashes)
{
    char quote = *at++;
    for (; *at; at++) {
        if (*at == '\\' && has_backslashes && at[1])
            at++;
        else if (*at == quote && at[1] != quote)
            return at + 1;
        else if (*at == quote)
            at++;
    }
    return NULL;
}

/** From the star of the beginning; comments nest. @return NULL: it does not end */
static const char *skip_comment(const char *at)
{
    unsigned depth = 1;
    for (at++; *at && depth > 0; at++) {
        if (at[0] == '/' && at[1] == '*') {
            depth++;
            at++;
        } else if (at[0] == '*' && at[1] == '/') {
            depth--;
            at++;
        }
    }
    return depth == 0 ? at : NULL;
}

/** From "$tag$" to behind the next. @return the text itself when it is none, NULL: it does not end */
static const char *skip_dollars(const char *at)
{
    const char *tag_end = at + 1;
    if (is_digit(*tag_end))
        return at;
    while (is_letter(*tag_end) || is_digit(*tag_end))
        tag_end++;
    if (*tag_end != '$')
        return at;
    size_t size = (size_t)(tag_end + 1 - at);
    for (const char *end = tag_end + 1; (end = strchr(end, '$')); end++)
        if (strncmp(end, at, size) == 0)
            return end + size;
    return NULL;
}

/** @return the text itself when there is neither a blank nor a comment, NULL: it does not end */
static const char *skip_blank(const char *at)
{
    while (*at) {
        if (strchr(" \t\r\n\f\v", *at))
            at++;
        else if (at[0] == '-' && at[1] == '-')
            at += strcspn(at, "\n");
        else if (at[0] == '/' && at[1] == '*') {
            at = skip_comment(at + 1);
            if (!at)
                return NULL;
        } else
            break;
    }
    return at;
}

static enum sql_kind find_end(const char *at, const char **ret_end)
{
    const char *end = skip_blank(at);
    *ret_end = end;
    if (end != at)
        return SQL_BLANK;
    if ((*at == 'e' || *at == 'E') && at[1] == '\'')
        return *ret_end = skip_quoted(at + 1, true), SQL_QUOTED;
    if (*at == '\'' || *at == '"' || *at == '`')
        return *ret_end = skip_quoted(at, false), SQL_QUOTED;
    if (is_letter(*at) || is_digit(*at))
        return *ret_end = skip_word(at), SQL_WORD;
    if (*at == '$') {
        *ret_end = skip_dollars(at);
        if (*ret_end != at)
            return SQL_QUOTED;
        *ret_end = skip_word(at + 1);
        return *ret_end > at + 1 ? SQL_POSITION : SQL_SIGN;
    }
    *ret_end = at + 1;
    if (*at == ':' && is_letter(at[1]))
        return *ret_end = skip_word(at + 1), SQL_PARAMETER;
    if (*at == ':' && (at[1] == ':' || at[1] == '='))
        *ret_end = at + 2;
    return *at == ';' ? SQL_SEMICOLON : SQL_SIGN;
}

struct sql_piece sql_next(const char **cursor)
{
    struct sql_piece piece = {.kind = SQL_END, .text = *cursor};
    const char *end = NULL;
    if (**cursor) {
        piece.kind = find_end(*cursor, &end);
        if (!end) {
            piece.kind = SQL_OPEN;
            end = *cursor + strlen(*cursor);
        }
        piece.size = (size_t)(end - *cursor);
        *cursor = end;
    }
    return piece;
}

static bool is_word(const struct sql_piece *piece, const char *word)
{
    return piece->kind == SQL_WORD && piece->size == strlen(word) &&
           strncasecmp(piece->text, word, piece->size) == 0;
}

/** The first piece that says something, beyond parentheses. */
static struct sql_piece first_piece(const char *sql)
{
    struct sql_piece piece;
    do
        piece = sql_next(&sql);
    while (piece.kind == SQL_BLANK || (piece.kind == SQL_SIGN && *piece.text == '('));
    return piece;
}

bool sql_begins_with(const char *sql, const char *keyword)
{
    const struct sql_piece piece = first_piece(sql);
    return is_word(&piece, keyword);
}

const char *sql_check(const char *sql, const char **ret_at)
{
    struct sql_piece piece = first_piece(sql);
    *ret_at = piece.text;
    if (piece.kind == SQL_END)
        return "there is no query";
    if (!is_word(&piece, "select") && !is_word(&piece, "with") && !is_word(&piece, "values"))
        return "a query begins with SELECT, WITH or VALUES";
    for (bool is_over = false; (piece = sql_next(&sql)).kind != SQL_END;) {
        *ret_at = piece.text;
        if (piece.kind == SQL_OPEN)
            return "this string or comment does not end";
        if (piece.kind == SQL_POSITION)
            return "parameters have names, such as :from";
        if (is_over && piece.kind != SQL_BLANK)
            return "a report is one statement only";
        is_over = is_over || piece.kind == SQL_SEMICOLON;
    }
    return NULL;
}

unsigned sql_lines_before(const char *sql, const char *at)
{
    unsigned lines = 0;
    for (; sql < at && *sql; sql++)
        lines += *sql == '\n';
    return lines;
}
