/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the log goes, for those who may choose: kontord's main and the unit tests. Everybody else
 * includes kontor/log.h.
 */
#ifndef KT_LOG_INSIDE_H
#define KT_LOG_INSIDE_H

#include <kontor/log.h>
#include <stdbool.h>

enum kt_log_target {
    KT_LOG_TARGET_STDERR,  /**< one write a line; what systemd connects to the journal as well */
    KT_LOG_TARGET_JOURNAL, /**< the journal's own protocol, with fields */
};

/** The longest text of one line, with its NUL, before its control characters are escaped. */
#define KT_LOG_TEXT_MAX 1024

/**
 * Choose target and level. Before the first call it is stderr and KT_LOG_NOTICE.
 * @return 0, or -ENOENT when the journal was asked for and there is none (nothing is changed)
 */
KT_PUBLIC int kt_log_open(enum kt_log_target target, enum kt_log_level level);

/** Whether this machine has a journal to write to. */
KT_PUBLIC bool kt_log_has_journal(void);

/** Name this OS process in its lines: "master", "worker 2". Copied, cut at 31 bytes. */
KT_PUBLIC void kt_log_role(const char *role);

/** The word for a level, as in the configuration: "error", "warning" … */
KT_PUBLIC const char *kt_log_level_name(enum kt_log_level level);

/** @return whether the word is one; then *ret_level is set */
KT_PUBLIC bool kt_log_level_parse(const char *word, enum kt_log_level *ret_level);

/**
 * Copy a text and escape its control characters as \n, \t, \x1b …
 * @param size  of the buffer, at least 5
 * @return the length of what was written, always with a NUL behind it; what does not fit is cut
 */
size_t kt_log_escape(char *buffer, size_t size, const char *text);

#endif
