/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Outgoing HTTP: a process asks another server and parks until the answer is there. Connections
 * are kept and used again, HTTP/2 is spoken where a server offers it over TLS, everything is
 * bounded. Addresses that users enter cannot reach the operator's own networks.
 */
#ifndef KONTOR_HTTP_H
#define KONTOR_HTTP_H

#include <kontor/process.h>

/** Defaults and bounds of struct kt_http_fetch. */
#define KT_HTTP_TIMEOUT_DEFAULT_MS 30000
#define KT_HTTP_TIMEOUT_MAX_MS 3600000
#define KT_HTTP_CONNECT_TIMEOUT_DEFAULT_MS 10000
#define KT_HTTP_SIZE_DEFAULT ((size_t)8 << 20)
#define KT_HTTP_SIZE_MAX ((size_t)128 << 20)
#define KT_HTTP_REDIRECTS_DEFAULT 5
#define KT_HTTP_REDIRECTS_MAX 20
/** redirects_max: follow none, the redirect itself is the answer. */
#define KT_HTTP_REDIRECTS_NONE (-1)
/** The longest address, with its NUL. */
#define KT_HTTP_URL_MAX 8192
/** The headers of an answer, interim answers included: bytes and fields. */
#define KT_HTTP_HEAD_MAX (64u << 10)
#define KT_HTTP_FIELDS_MAX 256u

/** What to ask; zero everywhere but the url is a plain GET. Borrowed until kt_http_fetch returns.
 */
struct kt_http_fetch {
    const char *url;            /**< "http://…" or "https://…" */
    const char *method;         /**< NULL: "GET" */
    const char *const *headers; /**< "Name: value", NULL at the end; NULL: none. Those that frame
                                     or route a request (Host, Content-Length …) are kontor's */
    const void *body;           /**< may be NULL when body_size is 0 */
    size_t body_size;
    int64_t timeout_ms;         /**< for all of it, redirects included; 0: the default */
    int64_t connect_timeout_ms; /**< to get one connection; 0: the default */
    size_t size_max;            /**< of the answer's body, decompressed; 0: the default */
    int redirects_max;          /**< 0: the default; KT_HTTP_REDIRECTS_NONE */
    /**
     * The address comes from the operator's configuration: it may be anywhere, may carry a user
     * and a password (sent as basic authentication), and goes through the operator's proxy. False
     * when a user entered it: then private and other special networks are refused at each
     * connection, so also after a redirect, except those of the option fetch_allow.
     */
    bool is_trusted;
    bool is_large; /**< tens of kilobytes are expected: more memory while waiting, fewer steps */
};

/** An answer; talloc_free returns it early. */
struct kt_http_answer {
    int status;       /**< as HTTP has it; 404 and 500 are answers as well */
    const char *url;  /**< where it came from in the end, without user and password */
    const char *body; /**< followed by a NUL that does not count; never NULL */
    size_t size;      /**< bytes of the body */
};

/**
 * Ask a server and wait for its whole answer.
 *
 * Redirects (301, 302, 303, 307, 308) are followed as browsers do. To another origin (scheme, host
 * or port) go only Accept, Accept-Language, User-Agent, If-None-Match and If-Modified-Since of the
 * headers, no user and password, and only GET and HEAD: a request of another method, and its body,
 * is not sent there; the redirect is the answer then. When a kept connection breaks in the moment
 * of its use the request is sent again, unless it is a POST or PATCH whose body was on its way.
 *
 * @param ret_answer  owned by the calling process; NULL on an error
 * @param error       one sentence about what went wrong, which names the server but neither path,
 *                    query nor password: fit for users and logs; may be NULL
 * @return 0 for any HTTP status, or
 *         -EINVAL        the address, the method or a header is malformed, or a number out of range
 *         -EACCES        the address is refused: neither http nor https; not trusted and with a
 *                        password, or in a network that users' addresses must not reach
 *         -ENOENT        there is no host of this name
 *         -EHOSTUNREACH, -ENETUNREACH  the name cannot be looked up now, no way to the host
 *         -ECONNREFUSED  nothing listens there
 *         -EKEYREJECTED  no TLS, or a certificate that is not valid for the host
 *         -ETIMEDOUT     not within timeout_ms, or no connection within connect_timeout_ms
 *         -ECONNRESET    the connection ended before the answer was complete
 *         -EPROTO        what came is not HTTP, or its head is beyond the bounds above
 *         -EMSGSIZE      the body is larger than size_max
 *         -ELOOP         more than redirects_max redirects
 *         -EMFILE, -ENFILE  too many open files
 *         -EAGAIN        too many names are being looked up
 *         -ECANCELED     the process is ending (in a critical section), or the worker
 *         -EIO           anything else
 * Parks. Callable from processes only. When the process ends meanwhile the transfer is cut.
 */
KT_PUBLIC int kt_http_fetch(const struct kt_http_fetch *fetch, struct kt_http_answer **ret_answer,
                            struct kt_error *error);

/**
 * A header of an answer.
 * @param name  in any case: "content-type"
 * @return the value of the first field of this name, as long as the answer lives, or NULL
 * Does not park.
 */
KT_PUBLIC const char *kt_http_answer_header(const struct kt_http_answer *answer, const char *name);

/**
 * Where an address leads: its origin (scheme, host, port) in one form, to be compared. Letters are
 * lower case and ASCII, the port is there if it is not the scheme's own: of
 * "HTTPS://Example.org:443/a" it is "https://example.org". An address that begins with it, followed
 * by "/", leads nowhere else.
 * @return owned by the context; NULL: kt_http_fetch would refuse the address from a user, or no
 *         memory
 * Does not park. Callable from anywhere.
 */
KT_PUBLIC char *kt_http_origin(TALLOC_CTX *context, const char *address);

#endif
