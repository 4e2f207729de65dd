/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sheet within the archive: its rows are deflated as they come, and go straight to their place;
 * what stands before and behind them is set in at the end, when it is known.
 */
#ifndef REPORTS_SHEET_H
#define REPORTS_SHEET_H

#include "zip_write.h"

struct sheet_packer;

/** One sheet. */
struct sheet {
    char name[ZIP_NAME_MAX + 1]; /**< of its member */
    uint64_t rows;               /**< data rows, counted by who writes them */
    size_t index;                /**< of its member */
    uint64_t head_at, tail_at;
    size_t head_room, tail_room; /**< tail_room 0: the tail is appended */
    uint32_t crc;                /**< of the rows */
    uint64_t size;
};

/** @param ret_packer  owned by the context; for one sheet after the other */
int sheet_packer_new(TALLOC_CTX *context, struct zip_writer *zip, struct sheet_packer **ret_packer,
                     struct kt_error *error);

/** Begin a sheet with sheet->name and room for its head. */
int sheet_begin(struct sheet_packer *packer, struct sheet *sheet, size_t head_room,
                struct kt_error *error);

/** A writer_drain for rows of the sheet that was begun; the argument is the packer. */
int sheet_pack(void *packer, const char *text, size_t size, struct kt_error *error);

/** The rows are all there. @param tail_room  bytes for the tail; 0: nothing follows before it */
int sheet_end_rows(struct sheet_packer *packer, size_t tail_room, struct kt_error *error);

/**
 * Set in what libxlsxwriter wrote around the rows.
 * @param text   the whole sheet without our rows
 * @param split  where they belong
 */
int sheet_finish(struct sheet_packer *packer, struct sheet *sheet, const char *text, size_t split,
                 struct kt_error *error);

#endif
