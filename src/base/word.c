/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words of a configuration value: lists separated by spaces, and the word that somebody probably
 * meant. Knows no option and no file.
 */
#include "base/word.h"

#include <string.h>

/** Longer words than this are not compared: no option's name is. */
#define WORD_MAX 40

size_t kt_word_next(const char **cursor, const char **ret_word)
{
    *cursor += strspn(*cursor, " \t");
    size_t length = strcspn(*cursor, " \t");
    *ret_word = *cursor;
    *cursor += length;
    return length;
}

bool kt_word_contains(const char *list, const char *word)
{
    const char *cursor = list, *candidate;
    size_t length;
    while ((length = kt_word_next(&cursor, &candidate)) > 0)
        if (strlen(word) == length && strncmp(word, candidate, length) == 0)
            return true;
    return false;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/** Damerau's distance (optimal string alignment), three rows of the table at a time. */
size_t kt_word_distance(const char *a, const char *b)
{
    size_t length_a = strlen(a), length_b = strlen(b);
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    if (length_a > WORD_MAX || length_b > WORD_MAX)
        return length_a > length_b ? length_a : length_b;
    for (size_t j = 0; j <= length_b; j++)
        last[j] = j;
    for (size_t i = 1; i <= length_a; i++) {
        row[0] = i;
        for (size_t j = 1; j <= length_b; j++) {
            size_t changed = last[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(changed, least(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[length_b];
}

bool kt_word_is_nearer(const char *word, const char *candidate, size_t *best_distance)
{
    size_t distance = kt_word_distance(word, candidate);
    /* a third of the letters may differ, at least one: "timout", "workres", "log-level" */
    size_t limit = strlen(candidate) / 3 < 1 ? 1 : strlen(candidate) / 3;
    bool is_beginning = strlen(word) >= 3 && strncmp(word, candidate, strlen(word)) == 0;
    if (is_beginning)
        distance = least(distance, 1);
    if (distance > limit || distance >= *best_distance)
        return false;
    *best_distance = distance;
    return true;
}
