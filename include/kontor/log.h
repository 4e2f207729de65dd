/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: one line an event, to stderr or to the systemd journal, whichever the operator chose.
 * Control characters in the text are escaped, so one call is always one line.
 */
#ifndef KONTOR_LOG_H
#define KONTOR_LOG_H

#include <kontor/error.h>

/** Severity; the numbers are syslog's. */
enum kt_log_level {
    KT_LOG_ERROR = 3,
    KT_LOG_WARNING = 4,
    KT_LOG_NOTICE = 5,
    KT_LOG_INFO = 6,
    KT_LOG_DEBUG = 7,
};

/**
 * Write one line to the log. Lines above the configured level cost a comparison and are dropped.
 * The line says which plugin and process wrote it, when called from one.
 * @param level   severity
 * @param format  the text, in plain English, without a trailing newline; cut at 1,024 bytes
 * Does not park. Callable from anywhere.
 */
KT_PUBLIC void kt_log(enum kt_log_level level, const char *format, ...) KT_PRINTF(2, 3);

#define kt_log_error(...) kt_log(KT_LOG_ERROR, __VA_ARGS__)
#define kt_log_warning(...) kt_log(KT_LOG_WARNING, __VA_ARGS__)
#define kt_log_notice(...) kt_log(KT_LOG_NOTICE, __VA_ARGS__)
#define kt_log_info(...) kt_log(KT_LOG_INFO, __VA_ARGS__)
#define kt_log_debug(...) kt_log(KT_LOG_DEBUG, __VA_ARGS__)

#endif
