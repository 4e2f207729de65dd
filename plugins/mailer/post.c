/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sender hands over an errand (memory of malloc, for the thread reads it), wakes the thread and
 * calls the postman, who answers when the errand is done. The thread's round ends when an errand is
 * done, or after a moment, so that the postman hears his messages; without errands there is no
 * thread at work. Only that thread touches libcurl, but for the wake-up, which is made for others.
 */
#include "post.h"

#include <curl/curl.h>
#include <errno.h>
#include <kontor/log.h>
#include <kontor/process.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** The longest that the postman doesn't hear a signal to end, and that a round lasts. */
#define ROUND_MS 500
/** To get a connection, out of the time for one mail. */
#define CONNECT_TIMEOUT_MS 15000
#define ADDRESS_SIZE 260

enum { FETCH = 1 };

struct errand {
    struct errand *next;
    uint64_t number;
    struct kt_from waits; /* the postman's: who wants to know */
    bool is_asked, is_done;
    CURL *transfer;
    struct curl_slist *recipients;
    char from[ADDRESS_SIZE], to[ADDRESS_SIZE];
    char *letter;
    size_t size, at;
    struct kt_post_outcome outcome;
    char curl_text[CURL_ERROR_SIZE];
};

struct kt_post {
    struct kt_post_options options;
    kt_pid postman;
    uint64_t last_number;
    struct kt_post_counts counts;
    pthread_mutex_t lock;  /* of the inbox alone */
    struct errand *inbox;  /* from senders to the thread, the newest first */
    struct errand *active; /* the thread's during a round, the postman's between rounds */
    uint32_t running;      /* transfers among them */
    CURLM *multi;
    long connects;
};

/* ---------------------------------------------------------------- the thread */

static size_t read_letter(char *to, size_t size, size_t count, void *argument)
{
    struct errand *errand = argument;
    size_t bytes = size * count, rest = errand->size - errand->at;

    bytes = bytes < rest ? bytes : rest;
    memcpy(to, errand->letter + errand->at, bytes);
    errand->at += bytes;
    return bytes;
}

static bool set_server(CURL *transfer, const struct kt_post_options *options)
{
    bool is_set = curl_easy_setopt(transfer, CURLOPT_URL, options->url) == CURLE_OK &&
                  curl_easy_setopt(transfer, CURLOPT_PROTOCOLS_STR, "smtp,smtps") == CURLE_OK &&
                  curl_easy_setopt(transfer, CURLOPT_USE_SSL,
                                   options->needs_tls ? (long)CURLUSESSL_ALL
                                                      : (long)CURLUSESSL_NONE) == CURLE_OK;

    if (options->ca_file)
        is_set = is_set && curl_easy_setopt(transfer, CURLOPT_CAINFO, options->ca_file) == CURLE_OK;
    if (options->user)
        is_set = is_set &&
                 curl_easy_setopt(transfer, CURLOPT_USERNAME, options->user) == CURLE_OK &&
                 curl_easy_setopt(transfer, CURLOPT_PASSWORD,
                                  options->password ? options->password : "") == CURLE_OK;
    return is_set;
}

static bool set_errand(struct errand *errand, const struct kt_post_options *options)
{
    CURL *transfer = errand->transfer;

    errand->recipients = curl_slist_append(NULL, errand->to);
    return errand->recipients &&
           curl_easy_setopt(transfer, CURLOPT_MAIL_FROM, errand->from) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_MAIL_RCPT, errand->recipients) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_READFUNCTION, read_letter) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_READDATA, errand) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_INFILESIZE_LARGE, (curl_off_t)errand->size) ==
               CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_ERRORBUFFER, errand->curl_text) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS) ==
               CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms) == CURLE_OK &&
           curl_easy_setopt(transfer, CURLOPT_PRIVATE, errand) == CURLE_OK;
}

static void set_outcome(struct errand *errand, enum kt_post_fate fate, int code, const char *text)
{
    errand->is_done = true;
    errand->outcome.fate = fate;
    errand->outcome.code = code;
    snprintf(errand->outcome.text, sizeof(errand->outcome.text), "%s", text);
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

static void finish(struct kt_post *post, struct errand *errand, CURLcode result)
{
    char text[KT_POST_TEXT_SIZE];
    long code = 0, connects = 0;

    curl_easy_getinfo(errand->transfer, CURLINFO_RESPONSE_CODE, &code);
    if (curl_easy_getinfo(errand->transfer, CURLINFO_NUM_CONNECTS, &connects) == CURLE_OK)
        post->connects += connects;
    if (code >= 400)
        snprintf(text, sizeof(text), "the mail server said %ld", code);
    else
        snprintf(text, sizeof(text), "%.150s",
                 *errand->curl_text ? errand->curl_text : curl_easy_strerror(result));
    set_outcome(errand, judge(result, code), (int)code, result == CURLE_OK ? "" : text);
    curl_multi_remove_handle(post->multi, errand->transfer);
    curl_easy_cleanup(errand->transfer);
    curl_slist_free_all(errand->recipients);
    errand->transfer = NULL;
    errand->recipients = NULL;
    post->running--;
}

static void begin(struct kt_post *post, struct errand *errand)
{
    errand->transfer = curl_easy_init();
    if (errand->transfer && set_server(errand->transfer, &post->options) &&
        set_errand(errand, &post->options) &&
        curl_multi_add_handle(post->multi, errand->transfer) == CURLM_OK) {
        post->running++;
        return;
    }
    curl_easy_cleanup(errand->transfer);
    curl_slist_free_all(errand->recipients);
    errand->transfer = NULL;
    errand->recipients = NULL;
    set_outcome(errand, KT_POST_LATER, 0, "no memory for another mail");
}

/** Take what senders have brought, in the order in which it came, behind what is there. */
static void empty_inbox(struct kt_post *post)
{
    struct errand *errand, *next, *ordered = NULL, **end = &post->active;

    pthread_mutex_lock(&post->lock);
    errand = post->inbox;
    post->inbox = NULL;
    pthread_mutex_unlock(&post->lock);
    for (; errand; errand = next) {
        next = errand->next;
        errand->next = ordered;
        ordered = errand;
    }
    while (*end)
        end = &(*end)->next;
    *end = ordered;
}

/** Begin as many as there may be connections. */
static void begin_next(struct kt_post *post)
{
    for (struct errand *errand = post->active; errand && post->running < post->options.connections;
         errand = errand->next) {
        if (!errand->transfer && !errand->is_done)
            begin(post, errand);
    }
}

/** @return whether any errand is done */
static bool collect_done(struct kt_post *post)
{
    bool has_any = false;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(post->multi, &left)) != NULL) {
        struct errand *errand = NULL;
        CURLcode result = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &errand);
        finish(post, errand, result);
        has_any = true;
    }
    return has_any;
}

static void drive(void *argument)
{
    struct kt_post *post = argument;
    int64_t left_ms = ROUND_MS;
    struct timespec start, now;
    int count;

    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        empty_inbox(post);
        begin_next(post);
        if (curl_multi_perform(post->multi, &count) != CURLM_OK || collect_done(post) ||
            post->running == 0)
            return;
        curl_multi_poll(post->multi, NULL, 0, (int)left_ms, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
        left_ms =
            ROUND_MS - (now.tv_sec - start.tv_sec) * 1000 - (now.tv_nsec - start.tv_nsec) / 1000000;
    } while (left_ms > 0);
}

/* ---------------------------------------------------------------- the postman */

/** A sender asks for the fate of an errand. */
static void hear(struct kt_post *post, const struct kt_message *message)
{
    uint64_t number;

    if (message->type != FETCH || message->size != sizeof(number) || !message->reference)
        return;
    memcpy(&number, message->data, sizeof(number));
    for (struct errand *errand = post->active; errand; errand = errand->next) {
        if (errand->number == number) {
            errand->waits = kt_message_from(message);
            errand->is_asked = true;
        }
    }
}

static void count(struct kt_post *post, const struct errand *errand)
{
    post->counts.sent += errand->outcome.fate == KT_POST_SENT;
    post->counts.deferred += errand->outcome.fate == KT_POST_LATER;
    post->counts.refused += errand->outcome.fate == KT_POST_NEVER;
    post->counts.connections = (uint64_t)post->connects;
    post->counts.waiting--;
}

/**
 * Tell the fates of those that are done, and forget them. All messages have been heard before, and
 * a sender asks in the turn in which it brings: who hasn't asked by now could not.
 */
static void hand_out(struct kt_post *post)
{
    struct errand **link = &post->active, *errand;

    while ((errand = *link) != NULL) {
        if (!errand->is_done) {
            link = &errand->next;
            continue;
        }
        if (errand->is_asked)
            kt_reply(&errand->waits, FETCH, &errand->outcome, sizeof(errand->outcome));
        count(post, errand);
        *link = errand->next;
        free(errand->letter);
        free(errand);
    }
}

static void postman_main(void *argument)
{
    struct kt_post *post = argument;
    const struct kt_message *message;

    post->postman = kt_self();
    for (;;) {
        int64_t timeout_ms = post->active || post->inbox ? 0 : -1;

        while (kt_receive(timeout_ms, &message) == 0) {
            empty_inbox(post);
            hear(post, message);
            timeout_ms = 0;
        }
        hand_out(post);
        if ((post->active || post->inbox) && kt_work(drive, post) < 0)
            kt_sleep(ROUND_MS / 10);
    }
}

struct kt_child kt_post_child(struct kt_post *post)
{
    return (struct kt_child){
        .id = "postman", .restart = KT_PERMANENT, .function = postman_main, .argument = post};
}

/* ---------------------------------------------------------------- senders */

struct kt_post *kt_post_new(const struct kt_post_options *options)
{
    struct kt_post *post = kt_must(talloc_zero(NULL, struct kt_post));

    post->options = *options;
    pthread_mutex_init(&post->lock, NULL);
    kt_must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? post : NULL);
    post->multi = kt_must(curl_multi_init());
    curl_multi_setopt(post->multi, CURLMOPT_MAXCONNECTS, (long)options->connections);
    return post;
}

static struct errand *make_errand(struct kt_post *post, const char *from, const char *to,
                                  const char *letter, size_t size)
{
    struct errand *errand = calloc(1, sizeof(*errand));

    if (errand)
        errand->letter = malloc(size);
    if (!errand || !errand->letter) {
        free(errand);
        return NULL;
    }
    memcpy(errand->letter, letter, size);
    errand->size = size;
    snprintf(errand->from, sizeof(errand->from), "<%s>", from);
    snprintf(errand->to, sizeof(errand->to), "<%s>", to);
    errand->number = ++post->last_number;
    return errand;
}

static void put_into_inbox(struct kt_post *post, struct errand *errand)
{
    pthread_mutex_lock(&post->lock);
    errand->next = post->inbox;
    post->inbox = errand;
    pthread_mutex_unlock(&post->lock);
    post->counts.waiting++;
    curl_multi_wakeup(post->multi);
}

void kt_post_send(struct kt_post *post, const char *from, const char *to, const char *letter,
                  size_t size, struct kt_post_outcome *ret_outcome)
{
    const struct kt_message *reply;
    struct errand *errand = NULL;
    uint64_t number;
    int result = -EBUSY;

    if (kt_is_alive(post->postman) && post->counts.waiting < KT_POST_WAITING_MAX)
        errand = make_errand(post, from, to, letter, size);
    if (errand) {
        number = errand->number;
        put_into_inbox(post, errand);
        result = kt_call(post->postman, FETCH, &number, sizeof(number), -1, &reply);
    }
    if (result == 0) {
        memcpy(ret_outcome, reply->data, sizeof(*ret_outcome));
        return;
    }
    *ret_outcome = (struct kt_post_outcome){.fate = KT_POST_LATER};
    snprintf(ret_outcome->text, sizeof(ret_outcome->text), "the post can't take it now (%s)",
             strerror(-result));
}

void kt_post_counts(const struct kt_post *post, struct kt_post_counts *ret_counts)
{
    *ret_counts = post->counts;
}
