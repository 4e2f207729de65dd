/* SPDX-License-Identifier: BSD-2-Clause */
/* Giving out what a job has made: the file, whole or in parts, and the preview. */
#ifndef REPORTS_DOWNLOAD_H
#define REPORTS_DOWNLOAD_H

#include <kontor/request.h>

/** GET /jobs/{realm}/{id}/file */
void download_file(struct kt_request *request);
/** GET /jobs/{realm}/{id}/preview */
void download_preview(struct kt_request *request);

#endif
