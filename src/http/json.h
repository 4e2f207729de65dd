/* SPDX-License-Identifier: BSD-2-Clause */
/* cJSON on talloc: its objects belong to the process that makes them. */
#ifndef KT_JSON_H
#define KT_JSON_H

/** Set cJSON's hooks. Runs by itself when libkontor is loaded; harmless when repeated. */
void kt_json_start(void);

#endif
