/* SPDX-License-Identifier: BSD-2-Clause */
/* What the page and programs ask for, each an answer of its own; handlers of routes. */
#ifndef OBSERVER_VIEWS_H
#define OBSERVER_VIEWS_H

#include <cjson/cJSON.h>
#include <kontor/request.h>

/** Ask all observers, or answer with 503. @return NULL: it is answered. Parks. */
cJSON *views_ask_all(struct kt_request *request, uint32_t type, cJSON *question);

/** Answer that the workers can't be asked, or that a key is none. */
void views_unavailable(struct kt_request *request, int result);

void views_workers(struct kt_request *request);
void views_processes(struct kt_request *request);
void views_history(struct kt_request *request);
void views_slow(struct kt_request *request);
void views_connections(struct kt_request *request);
void views_mailers(struct kt_request *request);
void views_registry(struct kt_request *request);
void views_jobs(struct kt_request *request);

#endif
