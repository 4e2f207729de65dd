/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of the plugin as its rooms use them. Made at the start, lives as long as the worker.
 */
#ifndef OBSERVER_H
#define OBSERVER_H

#include <kontor/plugin.h>

#include <stdint.h>

struct observer {
    const char *users;    /**< who may look, separated by blanks; "": whoever comes from loopback */
    const char *killers;  /**< who may end processes; "": nobody */
    uint32_t streams_max; /**< pages that one worker keeps up to date */
};

#endif
