/* SPDX-License-Identifier: BSD-2-Clause */
/* What namespaces and keys may look like. Knows no backend. */
#ifndef KT_STORE_NAME_H
#define KT_STORE_NAME_H

#include "store/backend.h"

#include <stdbool.h>

/** Whether this is a namespace: see kontor/store.h. */
bool kt_store_is_namespace(const char *text, size_t bytes);

/** Whether this is a key, or with 0 bytes the prefix of all. */
bool kt_store_is_prefix(const char *text, size_t bytes);

/** Whether bytes are UTF-8 without a NUL. */
KT_PUBLIC bool kt_store_is_text(const char *text, size_t bytes);

/**
 * Check a name and measure it.
 * @param allows_empty  the key may be ""
 * @return 0 or -EINVAL
 */
KT_PUBLIC int kt_store_name_check(const char *name_space, const char *key, bool allows_empty,
                                  struct kt_store_name *ret_name);

#endif
