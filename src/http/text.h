/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The small grammar of HTTP: percent-encoding, paths, tokens, header values, status phrases. Pure
 * functions over strings; everything here sees what strangers sent.
 */
#ifndef KT_TEXT_H
#define KT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Decode %XX in place.
 * @return the new length, or -EINVAL on a bad escape or one that stands for NUL
 */
int kt_percent_decode(char *text);

/**
 * Decode a name or value of a query or form in place: '+' is a space, an escape that is none stays
 * as it is, as browsers do it.
 * @return the new length, or -EINVAL when it holds a NUL
 */
int kt_form_decode(char *text);

/**
 * Normalise a decoded absolute path in place: no empty, "." and ".." segments remain; a trailing
 * slash stays.
 * @return 0, or -EINVAL (not absolute, a ".." above the root, or a control character)
 */
int kt_path_normalise(char *path);

/** Whether a text is an HTTP token (RFC 9110, 5.6.2), such as a method or a field's name. */
bool kt_is_token(const char *text);

/** Whether a text may be the value of a header field: no control characters but tabs. */
bool kt_is_field_value(const char *text);

/** The standard phrase of a status, or "Unknown". */
const char *kt_status_phrase(int status);

/**
 * Whether a media type as in Content-Type is this one, parameters aside.
 * @param type  in lower case, "application/json"
 */
bool kt_is_media_type(const char *content_type, const char *type);

/**
 * Escape a text for a JSON string; what is no UTF-8 becomes '?'. Cut to the room, always ended.
 * @return bytes written without the NUL
 */
size_t kt_json_escape(char *to, size_t room, const char *text);

#endif
