/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header of a request as libcurl wants it. For transfer.c only.
 */
#ifndef KT_HEADERS_H
#define KT_HEADERS_H

#include "fetch/transfer.h"

/**
 * The fields of a request.
 * @param ret_list  what there is, also on failure; freed by the caller
 * @return false: no memory
 */
bool kt_headers_build(const struct kt_outgoing *outgoing, struct curl_slist **ret_list);

#endif
