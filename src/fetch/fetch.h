/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door between outgoing HTTP (kontor/http.h) and the worker: settings, start and end. The room
 * knows the runtime; nothing of requests that come in.
 */
#ifndef KT_FETCH_H
#define KT_FETCH_H

#include "fetch/address.h"

/** Settings; borrowed until kt_fetch_close. */
struct kt_fetch_options {
    uint32_t connections_max; /**< open at once, of each kind: to addresses of the configuration,
                                   and to those of users */
    const char *proxy;        /**< checked by kt_fetch_proxy_check; NULL: none */
    const struct kt_networks *allowed; /**< NULL: none */
};

/** Whether this is the address of a proxy: http[s]://[USER:PASSWORD@]HOST:PORT. @return 0 or
 * -EINVAL with the words */
KT_PUBLIC int kt_fetch_proxy_check(const char *text, struct kt_error *error);

/** Make kt_http_fetch work; nothing is opened before its first use. The runtime has been started.
 * @return 0 or a negative errno */
KT_PUBLIC int kt_fetch_start(const struct kt_fetch_options *options);

/** Cut what is under way and free everything; the runtime is still there. Without a start it does
 * nothing. */
KT_PUBLIC void kt_fetch_close(void);

#endif
