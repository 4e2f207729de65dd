/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Those who carry mails to the server: threads, each with one connection by libcurl, which it keeps
 * while there is something to send. Threads, since libcurl blocks until the server has answered to
 * the end of a mail. Knows SMTP; nothing of processes and of who sends.
 */
#ifndef MAILER_CLERKS_H
#define MAILER_CLERKS_H

#include "post.h"

/** Bytes of an address with < and >, and the NUL. */
#define KT_ERRAND_ADDRESS_SIZE 260

/** A mail on its way. Memory of malloc. Whose it is: the giver's, the clerks' until it is done. */
struct kt_errand {
    struct kt_errand *next; /**< for whoever has it */
    struct kt_from waits;   /**< the giver's: who wants to know, if is_asked */
    bool is_asked;
    char from[KT_ERRAND_ADDRESS_SIZE], to[KT_ERRAND_ADDRESS_SIZE];
    size_t size, at; /**< of the letter, and how much of it was read */
    struct kt_post_outcome outcome;
    char letter[];
};

struct kt_clerks;

/** @param options  borrowed for ever @return lives as long as the worker */
struct kt_clerks *kt_clerks_new(const struct kt_post_options *options);

/** Let threads be started, from now until they are closed. */
void kt_clerks_open(struct kt_clerks *clerks);

/** Take an errand. @return 0, or -EAGAIN: there can be no thread, or they are closed */
int kt_clerks_give(struct kt_clerks *clerks, struct kt_errand *errand);

/** Those that are done by now, in the order in which they ended; NULL: none. */
struct kt_errand *kt_clerks_take_done(struct kt_clerks *clerks);

/** Wait until something is done, or for so long. Blocks: for the thread pool. */
void kt_clerks_wait(struct kt_clerks *clerks, int64_t timeout_ms);

/** Cut off what is on the way and end all threads. Blocks for a second or two. */
void kt_clerks_close(struct kt_clerks *clerks);

/** Connections that were opened. */
uint64_t kt_clerks_connections(struct kt_clerks *clerks);

#endif
