/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may look. What a process is called and how much there is of everything is nobody's business
 * but the operators': by default only requests from this machine are answered.
 */
#ifndef OBSERVER_ACCESS_H
#define OBSERVER_ACCESS_H

#include <kontor/request.h>

/** @return false: the request is answered with 403 */
bool access_may_look(struct kt_request *request);

/** Whether the request may end a process: also not one that another site's page sent. */
bool access_may_kill(struct kt_request *request);

#endif
