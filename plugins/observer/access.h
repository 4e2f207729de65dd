/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may look. What a process is called and how much there is of everything is nobody's business
 * but the operators': by default only requests from this machine are answered, and nobody ends
 * anything.
 */
#ifndef OBSERVER_ACCESS_H
#define OBSERVER_ACCESS_H

#include <kontor/request.h>

/** @return false: the request is answered with 403 */
bool access_may_look(struct kt_request *request);

/** Whether the option killers names who asks. Nothing is answered. */
bool access_is_killer(struct kt_request *request);

/**
 * Whether the request may end a process: it may look, killers names who asks, and no page of
 * another site has sent it. @return false: the request is answered with 403
 */
bool access_may_kill(struct kt_request *request);

#endif
