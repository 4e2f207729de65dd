/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes one archive of two: the rows, which are in their place already, and the frame that
 * libxlsxwriter wrote around none.
 */
#ifndef REPORTS_JOIN_H
#define REPORTS_JOIN_H

#include "sheet.h"
#include "zip_read.h"

/** The first member, by which programs know what kind of file it is; filled when all is known. */
#define JOIN_FIRST "[Content_Types].xml"
/** Enough for SHEETS_MAX sheets. */
#define JOIN_FIRST_ROOM ((size_t)7 * 1024)

/** The member of the index-th sheet of data, from 0. */
void join_sheet_name(size_t index, char name[ZIP_NAME_MAX + 1]);

/** What is joined. The rows of the last sheet were ended without room for a tail. */
struct join {
    struct zip_writer *zip;
    size_t first; /**< index of the reserved first member */
    struct sheet_packer *packer;
    struct sheet *sheets;
    size_t sheet_count;
};

/**
 * Take everything from the frame, and close the archive.
 * @param frame_fd  of the frame's archive
 * @return 0, -EBADMSG (the frame is incomplete), or what writing gave, with words
 */
int join_frame(const struct join *join, int frame_fd, struct kt_error *error);

#endif
