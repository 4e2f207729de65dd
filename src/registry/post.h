/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages and calls from process to process between workers, by the name of the receiver. */
#ifndef KT_POST_H
#define KT_POST_H

#include "registry/registry_private.h"

/** Take a frame that has to do with messages. @return 0, or -EPROTO when it is none */
int kt_post_take(struct kt_registry_process *registry, struct kt_connection_to_worker *worker,
                 const struct kt_frame *frame);

/** A worker is gone: calls to it fail, calls from it are not waited for any more. */
void kt_post_forget(struct kt_registry_process *registry, uint32_t node);

#endif
