/* SPDX-License-Identifier: BSD-2-Clause */
/* What all handlers do that take JSON and change what is stored. */
#ifndef CALENDAR_JSON_REQUEST_H
#define CALENDAR_JSON_REQUEST_H

#include <cjson/cJSON.h>
#include <kontor/request.h>

/** @return the body, an object, owned as kt_request_json says; or NULL: the request is answered */
cJSON *kt_need_json(struct kt_request *request);

/** The text of a member; "" if there is none. */
const char *kt_json_member(const cJSON *json, const char *name);

/**
 * Answer that the store can't be used, and tell the log.
 * @param what  could not be done: "settings can't be read or stored"
 * @param code  a negative errno
 */
void kt_respond_store_error(struct kt_request *request, const char *what, int code);

#endif
