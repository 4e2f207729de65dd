/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may look, and who may start and stop: by default only requests from this machine, for what
 * runs here is work.
 */
#ifndef MICROSERVERS_ACCESS_H
#define MICROSERVERS_ACCESS_H

#include <kontor/request.h>

/** @return false: the request is answered with 403 */
bool access_may_look(struct kt_request *request);

/** Whether the request may start and stop: also not one that another site's page sent. */
bool access_may_operate(struct kt_request *request);

#endif
