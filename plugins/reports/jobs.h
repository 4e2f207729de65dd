/* SPDX-License-Identifier: BSD-2-Clause */
/* The handlers of reports and their jobs: list, ask for, watch, cancel, extend, delete. */
#ifndef REPORTS_JOBS_H
#define REPORTS_JOBS_H

#include <kontor/request.h>

/** GET / : the reports and jobs that this person may see. */
void reports_list(struct kt_request *request);
/** GET /{report} : one report, with the choices of its parameters. */
void reports_show(struct kt_request *request);
/** POST /{report}/jobs : make it, or join who makes it. */
void jobs_start(struct kt_request *request);
/** GET /jobs */
void jobs_list(struct kt_request *request);
/** GET /jobs/{realm}/{id} */
void jobs_show(struct kt_request *request);
/** GET /jobs/{realm}/{id}/events : server-sent events until it has ended. */
void jobs_follow(struct kt_request *request);
/** POST /jobs/{realm}/{id}/cancel */
void jobs_cancel(struct kt_request *request);
/** POST /jobs/{realm}/{id}/extend */
void jobs_extend(struct kt_request *request);
/** DELETE /jobs/{realm}/{id} */
void jobs_delete(struct kt_request *request);

#endif
