/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking the master or a worker; see protocol.h. Knows sockets and JSON, not what is in it.
 */
#ifndef KT_CLIENT_H
#define KT_CLIENT_H

#include <cjson/cJSON.h>

/** The largest answer that is read. */
#define KT_ANSWER_MAX (64u << 20)

/**
 * Ask and wait for the whole answer.
 * @param timeout_ms  for the answer as a whole; negative: none
 * @param ret_answer  by cJSON, NULL on an error
 * @return 0, -ENOENT or -ECONNREFUSED (nobody there), -EACCES, -ETIMEDOUT, -EPROTO, -ENAMETOOLONG
 */
int kt_client_ask(const char *run_dir, const char *socket_name, const char *question,
                  int timeout_ms, cJSON **ret_answer);

#endif
