/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listening sockets: made from addresses, taken from systemd, kept over reloads. Knows the option
 * `listen` and the permissions of sockets; knows no workers.
 */
#ifndef KT_LISTEN_H
#define KT_LISTEN_H

#include "base/problems.h"
#include "worker/settings.h"

#include <stdbool.h>

/** Sockets of one kontord. */
#define KT_LISTENERS_MAX 32u

struct kt_listener {
    const char *address;   /**< as in the configuration; systemd's have their name */
    const char *unix_path; /**< of a Unix socket that we made, else NULL */
    int fd;
};

struct kt_listeners {
    unsigned count;
    struct kt_listener list[KT_LISTENERS_MAX];
};

/**
 * Open what the settings ask for; what is open already is used again.
 * @param present        those in use, or NULL
 * @param problems       gets what is wrong
 * @param ret_listeners  owned by the context
 * @return 0, -EINVAL (see problems; nothing new is left open), -ENOMEM
 */
int kt_listeners_open(TALLOC_CTX *context, const struct kt_settings *settings,
                      const struct kt_listeners *present, struct kt_problems *problems,
                      struct kt_listeners **ret_listeners);

/** Check the addresses without opening anything. */
void kt_listeners_check(const struct kt_settings *settings, struct kt_problems *problems);

/** Close those that are not among others (NULL: all), and remove their files. */
void kt_listeners_close(const struct kt_listeners *listeners, const struct kt_listeners *others);

#endif
