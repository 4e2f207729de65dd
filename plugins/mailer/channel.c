/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * While libcurl connects, its sockets are in an epoll of the channel's own, for which the process
 * waits as for one descriptor; what it does in between is done on the thread pool, since reading
 * the system's certificates takes tens of milliseconds. The connection stays with the easy handle,
 * in its multi handle, until both go (CURLOPT_CONNECT_ONLY).
 */
#include "channel.h"

#include <curl/curl.h>
#include <errno.h>
#include <kontor/process.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/** To get a connection, out of the time there is. */
#define CONNECT_TIMEOUT_MS 15000
/** Connections that libcurl may try at once: one of each family, and some room. */
#define SOCKETS_MAX 4
/** Its sockets, and its own wake-up. */
#define EVENTS_MAX 8
#define INPUT_SIZE 4096
/** Before writing again what TLS would not take. */
#define REFUSAL_MS 10

struct kt_channel {
    CURLM *multi;
    CURL *easy;
    int epoll_fd;             /* -1 when it is open */
    int fd;                   /* libcurl's socket, when it is open */
    int sockets[SOCKETS_MAX]; /* all that libcurl has open; -1: a free place */
    int64_t due_ms;           /* when libcurl wants to be called; -1: by sockets only */
    bool has_more;            /* libcurl is not at its end */
    bool has_pipelining;
    char words[CURL_ERROR_SIZE];
    size_t first, filled; /* of the input: read but not taken */
    char input[INPUT_SIZE];
};

/** As kt_now_ms, on any thread. */
static int64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---------------------------------------------------------------- callbacks of libcurl */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *argument, void *known)
{
    struct kt_channel *channel = argument;
    struct epoll_event event = {.data.fd = fd};

    (void)easy;
    if (channel->epoll_fd < 0)
        return 0;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(channel->epoll_fd, EPOLL_CTL_DEL, fd, &event);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    curl_multi_assign(channel->multi, fd, channel); /* anything but NULL: it is known now */
    return epoll_ctl(channel->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0 ? -1
                                                                                               : 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *argument)
{
    (void)multi;
    ((struct kt_channel *)argument)->due_ms = timeout_ms < 0 ? -1 : clock_ms() + timeout_ms;
    return 0;
}

/** Put a socket into the place of another; -1 for none. @return false: there is no such place */
static bool replace(struct kt_channel *channel, int old, int with)
{
    for (int index = 0; index < SOCKETS_MAX; index++) {
        if (channel->sockets[index] == old) {
            channel->sockets[index] = with;
            return true;
        }
    }
    return false;
}

static curl_socket_t on_open(void *argument, curlsocktype purpose, struct curl_sockaddr *wanted)
{
    int fd =
        socket(wanted->family, wanted->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, wanted->protocol);

    (void)purpose;
    if (fd >= 0 && !replace(argument, -1, fd)) {
        close(fd);
        fd = -1;
    }
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int on_close(void *argument, curl_socket_t fd)
{
    replace(argument, fd, -1);
    return close(fd);
}

/** A line of a reply. What was said before TLS does not count (RFC 3207, 4.2). */
static size_t on_line(char *line, size_t one, size_t size, void *argument)
{
    static const char word[] = "PIPELINING";
    struct kt_channel *channel = argument;
    const size_t code = 4; /* "250-" */

    (void)one;
    if (size >= code && memcmp(line, "220", 3) == 0)
        channel->has_pipelining = false;
    if (size >= code + strlen(word) && memcmp(line, "250", 3) == 0 &&
        strncasecmp(line + code, word, strlen(word)) == 0)
        channel->has_pipelining = true;
    return size;
}

/* ---------------------------------------------------------------- opening */

/** Close it at once: libcurl would say goodbye first, and block until it is answered. */
static int end_channel(struct kt_channel *channel)
{
    for (int index = 0; index < SOCKETS_MAX; index++) {
        if (channel->sockets[index] >= 0)
            shutdown(channel->sockets[index], SHUT_RDWR);
    }
    if (channel->multi && channel->easy)
        curl_multi_remove_handle(channel->multi, channel->easy);
    curl_easy_cleanup(channel->easy);
    if (channel->multi)
        curl_multi_cleanup(channel->multi);
    if (channel->epoll_fd >= 0)
        close(channel->epoll_fd);
    return 0;
}

static bool set_server(struct kt_channel *channel, const struct kt_channel_options *options)
{
    CURL *easy = channel->easy;
    long tls = options->needs_tls ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE;
    bool is_set =
        curl_easy_setopt(easy, CURLOPT_URL, options->url) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps") == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_USE_SSL, tls) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        /* Else it waits at the end for its thread that looks up the name. */
        curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, channel) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, channel) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_line) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, channel) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, channel->words) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS) == CURLE_OK;

    if (options->ca_file)
        is_set = is_set && curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file) == CURLE_OK;
    if (options->user)
        is_set = is_set && curl_easy_setopt(easy, CURLOPT_USERNAME, options->user) == CURLE_OK &&
                 curl_easy_setopt(easy, CURLOPT_PASSWORD,
                                  options->password ? options->password : "") == CURLE_OK;
    return is_set;
}

static bool set_loop(struct kt_channel *channel)
{
    CURLM *multi = channel->multi;

    return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, channel) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERDATA, channel) == CURLM_OK &&
           curl_multi_add_handle(multi, channel->easy) == CURLM_OK;
}

/** @return NULL without memory */
static struct kt_channel *make(TALLOC_CTX *context, const struct kt_channel_options *options)
{
    struct kt_channel *channel = talloc_zero(context, struct kt_channel);

    if (!channel)
        return NULL;
    for (int index = 0; index < SOCKETS_MAX; index++)
        channel->sockets[index] = -1;
    channel->due_ms = -1;
    channel->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    channel->multi = curl_multi_init();
    channel->easy = curl_easy_init();
    talloc_set_destructor(channel, end_channel);
    if (channel->epoll_fd < 0 || !channel->multi || !channel->easy ||
        !set_server(channel, options) || !set_loop(channel))
        TALLOC_FREE(channel);
    return channel;
}

/** Let libcurl go on with what has happened. On the thread pool. */
static void go_on(void *argument)
{
    struct kt_channel *channel = argument;
    struct epoll_event events[EVENTS_MAX];
    int running = 1, count = epoll_wait(channel->epoll_fd, events, EVENTS_MAX, 0);
    CURLMcode code = CURLM_OK;

    if (count <= 0)
        code = curl_multi_socket_action(channel->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    for (int index = 0; index < count && code == CURLM_OK; index++) {
        int what = (events[index].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                   (events[index].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (events[index].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

        code = curl_multi_socket_action(channel->multi, events[index].data.fd, what, &running);
    }
    channel->has_more = code == CURLM_OK && running > 0;
}

/** What libcurl waits for, at most until the deadline. @return false: it can't be waited for */
static bool wait_for_libcurl(const struct kt_channel *channel, int64_t deadline_ms)
{
    int64_t now_ms = kt_now_ms(), until_ms = deadline_ms;
    int result;

    if (now_ms >= deadline_ms)
        return false;
    if (channel->due_ms >= 0 && channel->due_ms < until_ms)
        until_ms = channel->due_ms;
    if (until_ms <= now_ms) {
        kt_yield();
        return true;
    }
    result = kt_wait_fd(channel->epoll_fd, KT_READABLE, until_ms - now_ms);
    return result >= 0 || result == -ETIMEDOUT;
}

/** What libcurl says of its end. */
static CURLcode result_of(struct kt_channel *channel)
{
    const CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(channel->multi, &left))) {
        if (message->msg == CURLMSG_DONE)
            return message->data.result;
    }
    return CURLE_OPERATION_TIMEDOUT;
}

static int explain(const struct kt_channel *channel, CURLcode result,
                   struct kt_channel_error *error)
{
    long code = 0;

    curl_easy_getinfo(channel->easy, CURLINFO_RESPONSE_CODE, &code);
    error->code = (int)code;
    if (code >= 400)
        snprintf(error->text, sizeof(error->text), "the mail server said %ld", code);
    else
        snprintf(error->text, sizeof(error->text), "%.150s",
                 *channel->words ? channel->words : curl_easy_strerror(result));
    return -ENOTCONN;
}

int kt_channel_open(TALLOC_CTX *context, const struct kt_channel_options *options,
                    int64_t deadline_ms, struct kt_channel **ret_channel,
                    struct kt_channel_error *error)
{
    struct kt_channel *channel = make(context, options);
    CURLcode result;
    int code;

    *error = (struct kt_channel_error){.code = 0};
    if (!channel)
        return -ENOMEM;
    do {
        channel->has_more = false;
        (void)kt_work(go_on, channel); /* without room there libcurl doesn't come to its end */
    } while (channel->has_more && wait_for_libcurl(channel, deadline_ms));
    result = result_of(channel);
    if (result != CURLE_OK) {
        code = explain(channel, result, error);
        talloc_free(channel);
        return code;
    }
    curl_easy_getinfo(channel->easy, CURLINFO_ACTIVESOCKET, &channel->fd);
    close(channel->epoll_fd);
    channel->epoll_fd = -1;
    curl_easy_setopt(channel->easy, CURLOPT_ERRORBUFFER, NULL);
    *ret_channel = channel;
    return 0;
}

bool kt_channel_has_pipelining(const struct kt_channel *channel)
{
    return channel->has_pipelining;
}

/* ---------------------------------------------------------------- lines and bytes */

/** @return 0, -ETIMEDOUT, -ENOTCONN */
static int wait_for(const struct kt_channel *channel, int events, int64_t deadline_ms)
{
    int64_t left_ms = deadline_ms - kt_now_ms();
    int result = left_ms > 0 ? kt_wait_fd(channel->fd, events, left_ms) : -ETIMEDOUT;

    return result >= 0 ? 0 : result == -ETIMEDOUT ? -ETIMEDOUT : -ENOTCONN;
}

int kt_channel_write(struct kt_channel *channel, const char *bytes, size_t size,
                     int64_t deadline_ms)
{
    int result = 0, refusals = 0;

    while (size > 0 && result == 0) {
        size_t sent = 0;
        CURLcode code = curl_easy_send(channel->easy, bytes, size, &sent);

        bytes += sent;
        size -= sent;
        if (code == CURLE_AGAIN && refusals++ > 0) /* there is room, but TLS wants to read first */
            kt_sleep(REFUSAL_MS);
        if (code == CURLE_AGAIN)
            result = wait_for(channel, KT_WRITABLE, deadline_ms);
        else if (code != CURLE_OK)
            result = -ENOTCONN;
        else
            refusals = 0;
    }
    return result;
}

bool kt_channel_is_quiet(struct kt_channel *channel)
{
    size_t got = 0;

    if (channel->filled > channel->first)
        return false;
    channel->first = channel->filled = 0;
    return curl_easy_recv(channel->easy, channel->input, sizeof(channel->input), &got) ==
           CURLE_AGAIN;
}

/** Get more input; there is room for it. @return 0, -ETIMEDOUT, -ENOTCONN */
static int fill(struct kt_channel *channel, int64_t deadline_ms)
{
    size_t got = 0;
    CURLcode code;
    int result;

    if (channel->first > 0) {
        memmove(channel->input, channel->input + channel->first, channel->filled - channel->first);
        channel->filled -= channel->first;
        channel->first = 0;
    }
    while ((code = curl_easy_recv(channel->easy, channel->input + channel->filled,
                                  sizeof(channel->input) - channel->filled, &got)) == CURLE_AGAIN) {
        result = wait_for(channel, KT_READABLE, deadline_ms);
        if (result < 0)
            return result;
    }
    channel->filled += got;
    return code == CURLE_OK && got > 0 ? 0 : -ENOTCONN;
}

/** Take the line that ends here. */
static void take_line(struct kt_channel *channel, const char *end, char line[KT_CHANNEL_LINE_SIZE])
{
    const char *start = channel->input + channel->first;
    size_t size = (size_t)(end - start);

    channel->first += size + 1;
    if (size > 0 && start[size - 1] == '\r')
        size--;
    if (size >= KT_CHANNEL_LINE_SIZE)
        size = KT_CHANNEL_LINE_SIZE - 1;
    memcpy(line, start, size);
    line[size] = 0;
}

int kt_channel_read_line(struct kt_channel *channel, char line[KT_CHANNEL_LINE_SIZE],
                         int64_t deadline_ms)
{
    const char *end;
    size_t size;
    int result;

    for (;;) {
        size = channel->filled - channel->first;
        end = memchr(channel->input + channel->first, '\n', size);
        if (end)
            break;
        result = size < sizeof(channel->input) ? fill(channel, deadline_ms) : -EPROTO;
        if (result < 0)
            return result;
    }
    take_line(channel, end, line);
    return 0;
}

void kt_channel_say(struct kt_channel *channel, const char *text)
{
    size_t sent;

    (void)curl_easy_send(channel->easy, text, strlen(text), &sent);
}
