/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The source "one iCalendar file". The file is looked at for each request; its parsed form is kept
 * for as long as the file is certainly the same.
 */
#ifndef CALENDAR_ICS_FILE_H
#define CALENDAR_ICS_FILE_H

#include "ics.h"
#include "source.h"

struct kt_ics_file_options {
    const char *path;
    size_t size_max; /**< bytes; a larger file is refused */
    struct kt_ics_options ics;
    struct kt_series_limits limits;
};

/**
 * Make the source. Nothing is read yet.
 * @param context  owns it; the worker's, since requests share it
 * @param options  copied; what it points to is borrowed
 * @return NULL without memory
 */
struct kt_source *kt_ics_file_new(TALLOC_CTX *context, const struct kt_ics_file_options *options);

#endif
