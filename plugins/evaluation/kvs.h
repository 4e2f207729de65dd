/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON documents by key, in the store: /kvs/{key}. */
#ifndef EVALUATION_KVS_H
#define EVALUATION_KVS_H

#include <kontor/kontor.h>

/** Register the routes. @return 0 or a negative errno */
int kvs_start(struct kt_plugin *plugin);

#endif
