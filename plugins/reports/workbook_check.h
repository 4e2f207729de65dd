/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a finished workbook back: every part with its checksum, to its end, and the rows counted.
 * What goes through has been read whole at least once.
 */
#ifndef REPORTS_WORKBOOK_CHECK_H
#define REPORTS_WORKBOOK_CHECK_H

#include "sheet.h"
#include "zip_read.h"

/** What the workbook should be, and whom to tell how far the check is. */
struct workbook_check {
    const struct sheet *sheets; /**< of data */
    size_t sheet_count;
    bool (*progress)(void *argument, uint64_t done,
                     uint64_t total); /**< bytes; true ends it; may be NULL */
    void *argument;
};

/** @return 0, -EBADMSG (the words say what is wrong), -ECANCELED, or what reading gave */
int workbook_check(const struct zip_place *place, const struct workbook_check *check,
                   struct kt_error *error);

#endif
