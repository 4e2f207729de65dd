/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listening sockets: made from addresses, taken from systemd or the web server, kept over reloads.
 * Knows the option `listen` and the permissions of sockets; knows no workers.
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
 * Take over the listening socket that a web server, or spawn-fcgi, leaves on descriptor 0 of what
 * it starts (FastCGI 1.0, 2.2). From then on it is the only one, whatever the settings ask for.
 * Another descriptor 0 stays what it is.
 * @return whether there is one
 */
bool kt_listeners_inherit(void);

/** Whether kt_listeners_inherit has found one: a web server has started us, perhaps several times.
 */
bool kt_listeners_are_inherited(void);

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

/** Whether systemd has passed sockets, besides what it keeps for us. */
bool kt_listeners_come_from_systemd(void);

/** Check the addresses without opening anything. */
void kt_listeners_check(const struct kt_settings *settings, struct kt_problems *problems);

/** Close those that are not among others (NULL: all), and remove their files. */
void kt_listeners_close(const struct kt_listeners *listeners, const struct kt_listeners *others);

#endif
