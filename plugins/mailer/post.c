/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A place is the right to have one connection, and the connection once there is one. It travels as
 * memory of messages, so it always belongs to somebody: to the postman, or to who borrows it; and
 * if that one ends in the middle, the place goes with it, and the postman makes another.
 */
#include "post.h"
#include "smtp.h"

#include <curl/curl.h>
#include <errno.h>
#include <kontor/process.h>
#include <kontor/server.h>
#include <stdio.h>
#include <string.h>

/** How long a connection is kept with nothing to send; servers keep theirs for minutes. */
#define KEEP_MS 5000

/** To the postman: a call for a place; a place comes back; one is gone. */
enum { BORROW = 1, GIVE_BACK, GONE };

struct kt_post {
    struct kt_post_options options;
    kt_pid postman;
    uint32_t places;        /* that exist: never more than options.connections */
    uint32_t idle, waiting; /* at the postman: places, and who wants one */
    struct kt_post_counts counts;
};

struct place {
    struct kt_post *post;
    struct kt_channel *channel; /* NULL: not connected */
    struct place *next;         /* at the postman */
    int64_t since_ms;           /* when it came there */
};

struct waiter {
    struct kt_from from;
    struct waiter *next;
};

/** The postman's. */
struct postman {
    struct kt_post *post;
    struct place *idle; /* the last one that came first: the others grow old */
    struct waiter *first, **last;
};

/* ---------------------------------------------------------------- places */

static int place_goes(struct place *place)
{
    place->post->places--;
    kt_send(place->post->postman, GONE, NULL, 0);
    return 0;
}

/** @return NULL: there are enough, or no memory */
static struct place *make_place(struct kt_post *post)
{
    struct place *place =
        post->places < post->options.connections ? talloc_zero(NULL, struct place) : NULL;

    if (!place)
        return NULL;
    place->post = post;
    post->places++;
    talloc_set_destructor(place, place_goes);
    return place;
}

static void close_place(struct place *place)
{
    if (place->channel)
        kt_channel_say(place->channel, "QUIT\r\n");
    talloc_free(place);
}

/* ---------------------------------------------------------------- the postman */

static struct place *take_idle(struct postman *postman)
{
    struct place *place = postman->idle;

    if (place) {
        postman->idle = place->next;
        postman->post->idle--;
    }
    return place;
}

static void keep(struct postman *postman, struct place *place)
{
    talloc_steal(postman, place);
    if (!postman->idle)
        kt_server_timeout(KEEP_MS);
    place->since_ms = kt_now_ms();
    place->next = postman->idle;
    postman->idle = place;
    postman->post->idle++;
}

static void forget_first(struct postman *postman)
{
    struct waiter *waiter = postman->first;

    postman->first = waiter->next;
    if (!postman->first)
        postman->last = &postman->first;
    postman->post->waiting--;
    talloc_free(waiter);
}

/** The first one who waits and still lives. */
static const struct waiter *first_waiter(struct postman *postman)
{
    while (postman->first && !kt_is_alive(postman->first->from.pid))
        forget_first(postman);
    return postman->first;
}

/** Let those go on for whom there is a place. Without memory they wait for the next message. */
static void serve(struct postman *postman)
{
    const struct waiter *waiter;
    struct place *place;

    while ((waiter = first_waiter(postman)) &&
           ((place = take_idle(postman)) || (place = make_place(postman->post)))) {
        if (kt_reply_memory(&waiter->from, BORROW, place) < 0) {
            keep(postman, place);
            return;
        }
        forget_first(postman);
    }
}

static void enqueue(struct postman *postman, const struct kt_message *call)
{
    struct waiter *waiter = kt_must(talloc_zero(postman, struct waiter));

    waiter->from = kt_message_from(call);
    *postman->last = waiter;
    postman->last = &waiter->next;
    postman->post->waiting++;
}

/** Close what nobody has needed for a while; the oldest are last. */
static void close_old(struct postman *postman, int64_t keep_ms)
{
    int64_t until_ms = kt_now_ms() - keep_ms;
    struct place **at = &postman->idle, *next;

    while (*at && (*at)->since_ms > until_ms)
        at = &(*at)->next;
    for (struct place *place = *at; place; place = next) {
        next = place->next;
        postman->post->idle--;
        close_place(place);
    }
    *at = NULL;
}

static int postman_init(void *argument, void **ret_state)
{
    struct postman *postman = kt_must(talloc_zero(kt_self_memory(), struct postman));

    postman->post = argument;
    postman->last = &postman->first;
    postman->post->postman = kt_self();
    postman->post->idle = postman->post->waiting = 0;
    *ret_state = postman;
    return 0;
}

static void postman_call(void *state, const struct kt_message *call)
{
    if (call->type == BORROW)
        enqueue(state, call);
    serve(state);
}

static void postman_message(void *state, const struct kt_message *message)
{
    if (message->type == GIVE_BACK)
        keep(state, (struct place *)(uintptr_t)message->data);
    serve(state);
}

static void postman_timeout(void *state)
{
    struct postman *postman = state;

    close_old(postman, KEEP_MS);
    if (postman->idle)
        kt_server_timeout(KEEP_MS);
}

static void postman_terminate(void *state, const struct kt_exit *exit)
{
    (void)exit;
    close_old(state, 0);
}

static const struct kt_server postman_server = {
    .label = "postman",
    .init = postman_init,
    .handle_call = postman_call,
    .handle_message = postman_message,
    .handle_timeout = postman_timeout,
    .terminate = postman_terminate,
    .mailbox_limit = KT_POST_WAITING_MAX,
    .trap_exit = true,
};

struct kt_child kt_post_child(struct kt_post *post)
{
    return (struct kt_child){
        .id = "postman", .restart = KT_PERMANENT, .server = &postman_server, .argument = post};
}

struct kt_post *kt_post_new(const struct kt_post_options *options)
{
    struct kt_post *post = kt_must(talloc_zero(NULL, struct kt_post));

    kt_must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? post : NULL);
    post->options = *options;
    return post;
}

/* ---------------------------------------------------------------- senders */

static void set_later(struct kt_post_outcome *outcome, int code, const char *text)
{
    *outcome = (struct kt_post_outcome){.fate = KT_POST_LATER, .code = code};
    snprintf(outcome->text, sizeof(outcome->text), "%s", text);
}

/** A place of our own; NULL: the post takes nothing now. */
static struct place *borrow(struct kt_post *post)
{
    const struct kt_message *reply;

    if (post->waiting >= KT_POST_WAITING_MAX ||
        kt_call(post->postman, BORROW, NULL, 0, -1, &reply) < 0)
        return NULL;
    return (struct place *)(uintptr_t)reply->data;
}

static bool connect_place(struct place *place, int64_t deadline_ms,
                          struct kt_post_outcome *ret_outcome)
{
    struct kt_channel_error error;

    if (kt_channel_open(place, &place->post->options.server, deadline_ms, &place->channel,
                        &error) == 0) {
        place->post->counts.connections++;
        return true;
    }
    set_later(ret_outcome, error.code, *error.text ? error.text : "there is not enough memory");
    return false;
}

/** Send over the place's connection, which may have been closed since the last mail: then over
 * another. */
static void send_over(struct place *place, const char *from, const char *to, const char *letter,
                      size_t size, struct kt_post_outcome *ret_outcome)
{
    int64_t deadline_ms = kt_now_ms() + place->post->options.timeout_ms;
    int result = -ESTALE;
    bool is_new = false;

    while (result == -ESTALE && !is_new) {
        is_new = !place->channel;
        if (is_new && !connect_place(place, deadline_ms, ret_outcome))
            return;
        result = kt_smtp_send(place->channel, from, to, letter, size, deadline_ms, ret_outcome);
        if (result < 0)
            TALLOC_FREE(place->channel);
    }
}

static void count(struct kt_post_counts *counts, enum kt_post_fate fate)
{
    counts->sent += fate == KT_POST_SENT;
    counts->deferred += fate == KT_POST_LATER;
    counts->refused += fate == KT_POST_NEVER;
}

void kt_post_send(struct kt_post *post, const char *from, const char *to, const char *letter,
                  size_t size, struct kt_post_outcome *ret_outcome)
{
    struct place *place = borrow(post);

    if (place) {
        send_over(place, from, to, letter, size, ret_outcome);
        if (kt_send_memory(post->postman, GIVE_BACK, place) < 0)
            talloc_free(place);
    } else {
        set_later(ret_outcome, 0, "the post can't take it now");
    }
    count(&post->counts, ret_outcome->fate);
}

void kt_post_counts(const struct kt_post *post, struct kt_post_counts *ret_counts)
{
    *ret_counts = post->counts;
    ret_counts->waiting = post->waiting + post->places - post->idle;
}
