/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads JSON (RFC 8259) in one pass, without a tree and without memory of its own: for large
 * answers of servers, on any thread. One goes into objects and arrays, takes what one knows and
 * skips the rest. Values of another type than wanted count as absent. Depth is bounded.
 *
 *     if (kt_json_enter_object(&json))
 *         while (kt_json_next_member(&json, &name)) {
 *             if (kt_json_text_is(&name, "id"))
 *                 kt_json_take_text(&json, &id);
 *             else
 *                 kt_json_skip(&json);
 *         }
 */
#ifndef CALENDAR_JSON_TEXT_H
#define CALENDAR_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Objects and arrays in one another. */
#define KT_JSON_DEPTH_MAX 64u

/** Where one is in a text. */
struct kt_json {
    const char *at, *end;
    uint32_t depth;
    uint64_t started; /**< a bit per depth: an element has been there */
    bool is_broken;   /**< it is no JSON; nothing more comes */
};

/** A string as written, without its quotes; start NULL: there is none. */
struct kt_json_text {
    const char *start;
    size_t size;
    bool has_escapes;
};

/** Begin to read; the text is borrowed. */
void kt_json_begin(struct kt_json *json, const char *text, size_t size);

/** Go into the value here. @return false: it is no object (and is skipped) */
bool kt_json_enter_object(struct kt_json *json);
/** Go to the next member. @return false: there is none, the object is left; or it is broken */
bool kt_json_next_member(struct kt_json *json, struct kt_json_text *ret_name);

/** Go into the value here. @return false: it is no array (and is skipped) */
bool kt_json_enter_array(struct kt_json *json);
/** Go to the next element. @return false: there is none, the array is left; or it is broken */
bool kt_json_next_element(struct kt_json *json);

/** Take a string. @return false: it is none (and is skipped) */
bool kt_json_take_text(struct kt_json *json, struct kt_json_text *ret_text);
/** Take true or false. @return false also for whatever else it is */
bool kt_json_take_boolean(struct kt_json *json);
/** Take a whole number. @return false: it is none, or beyond 15 digits (and is skipped) */
bool kt_json_take_integer(struct kt_json *json, int64_t *ret_integer);
/** Pass over the value here, whatever it is. */
void kt_json_skip(struct kt_json *json);

/** Whether all was JSON and nothing follows. */
bool kt_json_is_complete(struct kt_json *json);

/** Whether a string is this one; `word` has no character that JSON would escape. */
static inline bool kt_json_text_is(const struct kt_json_text *text, const char *word)
{
    size_t length = strlen(word);

    return text->start && text->size == length && memcmp(text->start, word, length) == 0;
}

/**
 * Write a string out, with its escapes resolved, cut where the buffer ends; NUL and half surrogate
 * pairs become U+FFFD. What isn't UTF-8 stays as it is.
 * @return whether all of it had room
 */
bool kt_json_text_copy(const struct kt_json_text *text, char *buffer, size_t size);

#endif
