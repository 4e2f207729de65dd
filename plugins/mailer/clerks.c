/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue, a list of what is done, and threads between them, all under one lock. Waits are for
 * eventfds, which no change of the clock disturbs. A thread is started when an errand comes and
 * nobody is idle, and ends when there was nothing to do for a while: without mails there are
 * neither threads nor connections.
 */
#include "clerks.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

/** To get a connection, out of the time for one mail. */
#define CONNECT_TIMEOUT_MS 15000
/** How long a connection is kept with nothing to send; servers keep theirs for minutes. */
#define KEEP_MS 5000
/** libcurl resolves names in threads of its own; TLS needs the most, some ten KiB. */
#define STACK_BYTES ((size_t)256 << 10)

struct kt_clerks {
    const struct kt_post_options *options;
    int work_bell, done_bell; /* eventfds: a ring for each errand, and for what is done */
    pthread_mutex_t lock;     /* of all below */
    pthread_cond_t has_ended;
    struct kt_errand *first, **last; /* waiting */
    struct kt_errand *done, **last_done;
    uint32_t threads, idle, waiting;
    uint64_t connections;
    bool is_closed;
};

/* ---------------------------------------------------------------- one mail */

static size_t read_letter(char *to, size_t size, size_t count, void *argument)
{
    struct kt_errand *errand = argument;
    size_t bytes = size * count, rest = errand->size - errand->at;

    bytes = bytes < rest ? bytes : rest;
    memcpy(to, errand->letter + errand->at, bytes);
    errand->at += bytes;
    return bytes;
}

/** Called by libcurl about once a second. @return not 0: give up */
static int is_over(void *argument, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct kt_clerks *clerks = argument;
    bool is_closed;

    (void)a, (void)b, (void)c, (void)d;
    pthread_mutex_lock(&clerks->lock);
    is_closed = clerks->is_closed;
    pthread_mutex_unlock(&clerks->lock);
    return is_closed;
}

/** What is the same for all mails. @return whether it could be set */
static bool set_server(CURL *transfer, struct kt_clerks *clerks)
{
    const struct kt_post_options *options = clerks->options;
    long tls = options->needs_tls ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE;
    bool is_set =
        curl_easy_setopt(transfer, CURLOPT_URL, options->url) == CURLE_OK &&
        curl_easy_setopt(transfer, CURLOPT_PROTOCOLS_STR, "smtp,smtps") == CURLE_OK &&
        curl_easy_setopt(transfer, CURLOPT_USE_SSL, tls) == CURLE_OK &&
        curl_easy_setopt(transfer, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
        curl_easy_setopt(transfer, CURLOPT_READFUNCTION, read_letter) == CURLE_OK &&
        curl_easy_setopt(transfer, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        curl_easy_setopt(transfer, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
        curl_easy_setopt(transfer, CURLOPT_XFERINFOFUNCTION, is_over) == CURLE_OK &&
        curl_easy_setopt(transfer, CURLOPT_XFERINFODATA, clerks) == CURLE_OK &&
        curl_easy_setopt(transfer, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS) ==
            CURLE_OK &&
        curl_easy_setopt(transfer, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms) == CURLE_OK;

    if (options->ca_file)
        is_set = is_set && curl_easy_setopt(transfer, CURLOPT_CAINFO, options->ca_file) == CURLE_OK;
    if (options->user)
        is_set = is_set &&
                 curl_easy_setopt(transfer, CURLOPT_USERNAME, options->user) == CURLE_OK &&
                 curl_easy_setopt(transfer, CURLOPT_PASSWORD,
                                  options->password ? options->password : "") == CURLE_OK;
    return is_set;
}

static bool set_errand(CURL *transfer, struct kt_errand *errand, struct curl_slist *recipients,
                       char *words)
{
    return recipients && curl_easy_setopt(transfer, CURLOPT_MAIL_FROM, errand->from) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_MAIL_RCPT, recipients) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_READDATA, errand) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_INFILESIZE_LARGE, (curl_off_t)errand->size) ==
               CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_ERRORBUFFER, words) == CURLE_OK;
}

/** The server's code decides, not libcurl's; but a wrong password is not the recipient's fault. */
static enum kt_post_fate judge(CURLcode result, long code)
{
    if (result == CURLE_OK)
        return KT_POST_SENT;
    if (result == CURLE_LOGIN_DENIED || result == CURLE_USE_SSL_FAILED || code == 530 ||
        code == 535)
        return KT_POST_LATER;
    return code >= 500 && code <= 599 ? KT_POST_NEVER : KT_POST_LATER;
}

static void set_outcome(struct kt_post_outcome *outcome, CURLcode result, long code,
                        const char *words)
{
    outcome->fate = judge(result, code);
    outcome->code = (int)code;
    if (result == CURLE_OK)
        outcome->text[0] = 0;
    else if (code >= 400)
        snprintf(outcome->text, sizeof(outcome->text), "the mail server said %ld", code);
    else
        snprintf(outcome->text, sizeof(outcome->text), "%.150s",
                 *words ? words : curl_easy_strerror(result));
}

/** @return connections that were opened for it */
static uint64_t carry(CURL *transfer, struct kt_errand *errand)
{
    struct curl_slist *recipients = curl_slist_append(NULL, errand->to);
    CURLcode result = CURLE_OUT_OF_MEMORY;
    char words[CURL_ERROR_SIZE] = "";
    long code = 0, connects = 0;

    if (transfer && set_errand(transfer, errand, recipients, words)) {
        result = curl_easy_perform(transfer);
        curl_easy_getinfo(transfer, CURLINFO_RESPONSE_CODE, &code);
        curl_easy_getinfo(transfer, CURLINFO_NUM_CONNECTS, &connects);
        curl_easy_setopt(transfer, CURLOPT_ERRORBUFFER, NULL);
    }
    set_outcome(&errand->outcome, result, code, words);
    curl_slist_free_all(recipients);
    return (uint64_t)connects;
}

/* ---------------------------------------------------------------- a thread */

/** Wait until somebody has rung, and answer one ring. @return false: nobody rang for so long */
static bool await_bell(int bell, int64_t timeout_ms)
{
    struct pollfd wish = {.fd = bell, .events = POLLIN};
    eventfd_t rings;

    if (poll(&wish, 1, (int)timeout_ms) == 0)
        return false;
    eventfd_read(bell, &rings); /* another may have been faster */
    return true;
}

/** The first in the queue, locked; NULL: it is empty. */
static struct kt_errand *take_first(struct kt_clerks *clerks)
{
    struct kt_errand *errand = clerks->first;

    if (!errand)
        return NULL;
    clerks->first = errand->next;
    if (!clerks->first)
        clerks->last = &clerks->first;
    clerks->waiting--;
    return errand;
}

/** Wait for an errand, locked. @return NULL: there was none for a while, or all is over */
static struct kt_errand *next_errand(struct kt_clerks *clerks)
{
    struct kt_errand *errand;
    bool has_rung = true;

    while ((errand = take_first(clerks)) == NULL && has_rung && !clerks->is_closed) {
        clerks->idle++;
        pthread_mutex_unlock(&clerks->lock);
        has_rung = await_bell(clerks->work_bell, KEEP_MS);
        pthread_mutex_lock(&clerks->lock);
        clerks->idle--;
    }
    return errand;
}

static void put_done(struct kt_clerks *clerks, struct kt_errand *errand)
{
    errand->next = NULL;
    *clerks->last_done = errand;
    clerks->last_done = &errand->next;
    eventfd_write(clerks->done_bell, 1);
}

static void *clerk_main(void *argument)
{
    struct kt_clerks *clerks = argument;
    CURL *transfer = curl_easy_init();
    struct kt_errand *errand;

    if (transfer && !set_server(transfer, clerks)) {
        curl_easy_cleanup(transfer);
        transfer = NULL;
    }
    pthread_mutex_lock(&clerks->lock);
    while ((errand = next_errand(clerks)) != NULL) {
        uint64_t connections;

        pthread_mutex_unlock(&clerks->lock);
        connections = carry(transfer, errand);
        pthread_mutex_lock(&clerks->lock);
        clerks->connections += connections;
        put_done(clerks, errand);
    }
    pthread_mutex_unlock(&clerks->lock);
    curl_easy_cleanup(transfer); /* takes leave of the server */
    pthread_mutex_lock(&clerks->lock);
    clerks->threads--;
    pthread_cond_signal(&clerks->has_ended);
    pthread_mutex_unlock(&clerks->lock);
    return NULL;
}

/** Start a thread, locked. @return 0 or a negative errno */
static int start_thread(struct kt_clerks *clerks)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int result;

    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    result = -pthread_create(&thread, &attributes, clerk_main, clerks);
    pthread_attr_destroy(&attributes);
    if (result == 0)
        clerks->threads++;
    return result;
}

/* ---------------------------------------------------------------- from outside */

struct kt_clerks *kt_clerks_new(const struct kt_post_options *options)
{
    struct kt_clerks *clerks = kt_must(talloc_zero(NULL, struct kt_clerks));

    kt_must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? clerks : NULL);
    clerks->options = options;
    clerks->last = &clerks->first;
    clerks->last_done = &clerks->done;
    clerks->is_closed = true;
    pthread_mutex_init(&clerks->lock, NULL);
    pthread_cond_init(&clerks->has_ended, NULL);
    clerks->work_bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    clerks->done_bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    kt_must(clerks->work_bell >= 0 && clerks->done_bell >= 0 ? clerks : NULL);
    return clerks;
}

void kt_clerks_open(struct kt_clerks *clerks)
{
    pthread_mutex_lock(&clerks->lock);
    clerks->is_closed = false;
    pthread_mutex_unlock(&clerks->lock);
}

int kt_clerks_give(struct kt_clerks *clerks, struct kt_errand *errand)
{
    int result = 0;

    pthread_mutex_lock(&clerks->lock);
    if (!clerks->is_closed && clerks->waiting >= clerks->idle &&
        clerks->threads < clerks->options->connections)
        start_thread(clerks);
    if (clerks->is_closed || clerks->threads == 0) {
        result = -EAGAIN;
    } else {
        errand->next = NULL;
        *clerks->last = errand;
        clerks->last = &errand->next;
        clerks->waiting++;
        eventfd_write(clerks->work_bell, 1);
    }
    pthread_mutex_unlock(&clerks->lock);
    return result;
}

struct kt_errand *kt_clerks_take_done(struct kt_clerks *clerks)
{
    struct kt_errand *done;

    pthread_mutex_lock(&clerks->lock);
    done = clerks->done;
    clerks->done = NULL;
    clerks->last_done = &clerks->done;
    pthread_mutex_unlock(&clerks->lock);
    return done;
}

void kt_clerks_wait(struct kt_clerks *clerks, int64_t timeout_ms)
{
    await_bell(clerks->done_bell, timeout_ms);
}

void kt_clerks_close(struct kt_clerks *clerks)
{
    pthread_mutex_lock(&clerks->lock);
    clerks->is_closed = true;
    if (clerks->threads > 0)
        eventfd_write(clerks->work_bell, clerks->threads);
    while (clerks->threads > 0)
        pthread_cond_wait(&clerks->has_ended, &clerks->lock);
    pthread_mutex_unlock(&clerks->lock);
}

uint64_t kt_clerks_connections(struct kt_clerks *clerks)
{
    uint64_t connections;

    pthread_mutex_lock(&clerks->lock);
    connections = clerks->connections;
    pthread_mutex_unlock(&clerks->lock);
    return connections;
}
