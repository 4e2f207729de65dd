/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door between the store (kontor/store.h) and the worker: settings, start and end. The room
 * knows the runtime only; nothing outside of it knows which backend there is.
 */
#ifndef KT_STORE_INSIDE_H
#define KT_STORE_INSIDE_H

#include "store/address.h"

#include <kontor/store.h>

/** Settings; borrowed until kt_store_close. */
struct kt_store_options {
    const struct kt_store_address *address;
    int64_t timeout_ms; /**< for each call */
};

/**
 * Make the functions of kontor/store.h work; nothing is opened before their first use. The runtime
 * has been started. Not from a process.
 * @return 0 or a negative errno with the words; then, and without a start, each call returns
 *         -ENOTCONN
 */
KT_PUBLIC int kt_store_start(const struct kt_store_options *options, struct kt_error *error);

/** Give up what waits and free everything; the runtime is still there. Without a start it does
 * nothing. */
KT_PUBLIC void kt_store_close(void);

/* ---------------------------------------------------------------- for kontorctl */

/** A counter, or a namespace. */
struct kt_store_entry {
    char name_space[KT_STORE_NAMESPACE_MAX + 1], key[KT_STORE_KEY_MAX + 1];
    int64_t value; /**< of the counter */
};

/**
 * Go on to the next namespace that has documents.
 * @param entry  its name_space is "" for the first; becomes the next one
 * @return 0, -ENOENT (that was the last), -ENOTSUP (this store can't), and as the functions of
 *         kontor/store.h. Parks.
 */
KT_PUBLIC int kt_store_next_space(struct kt_store_entry *entry);

/** Go on to the next counter. Otherwise as kt_store_next_space. Parks. */
KT_PUBLIC int kt_store_next_counter(struct kt_store_entry *entry);

/** Look whether the file, if there is one, is whole. @return 0, -EIO (the log has the reason), and
 * as the functions of kontor/store.h. Parks. */
KT_PUBLIC int kt_store_check(void);

#endif
