/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words of a configuration value: lists separated by spaces, and the word that somebody probably
 * meant. Knows no option and no file.
 */
#ifndef KT_WORD_H
#define KT_WORD_H

#include <kontor/error.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * Step through words separated by spaces or tabs.
 * @param cursor    the text at the first call, advanced
 * @param ret_word  points into the text
 * @return the word's length, 0 at the end
 */
KT_PUBLIC size_t kt_word_next(const char **cursor, const char **ret_word);

/** Whether a list of words contains this one. */
KT_PUBLIC bool kt_word_contains(const char *list, const char *word);

/** The number of letters to insert, drop, change or swap to make one word from the other. */
size_t kt_word_distance(const char *a, const char *b);

/**
 * Whether a word is near enough to another to suggest it, and nearer than the best one so far.
 * @param best_distance  SIZE_MAX at first; updated
 */
bool kt_word_is_nearer(const char *word, const char *candidate, size_t *best_distance);

#endif
