/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From libcurl's codes to a negative errno and a sentence. The sentences name the server and never
 * the rest of an address, which may hold secrets; libcurl's own words are used for TLS only, where
 * they speak of certificates.
 */
#include "fetch/outcome.h"

#include <errno.h>
#include <string.h>

/** Not even connected: the kernel knows why. */
static int outcome_of_connection(const struct kt_transfer *transfer, struct kt_error *error)
{
    const char *origin = transfer->outgoing->target->origin;
    long number = 0;
    curl_easy_getinfo(transfer->exchange.easy, CURLINFO_OS_ERRNO, &number);
    if (transfer->is_refused)
        return kt_error_set(error, -EACCES, "%s is refused: its address may not be reached",
                            origin);
    if (transfer->socket_error)
        return kt_error_set(error, -transfer->socket_error, "%s can't be connected to: %s", origin,
                            strerror(transfer->socket_error));
    switch (number) {
    case ECONNREFUSED:
        return kt_error_set(error, -ECONNREFUSED, "%s does not accept connections", origin);
    case ETIMEDOUT:
        return kt_error_set(error, -ETIMEDOUT, "%s does not answer", origin);
    case ENETUNREACH:
    case EHOSTUNREACH:
        return kt_error_set(error, -(int)number, "there is no way to %s", origin);
    default:
        return kt_error_set(error, -EHOSTUNREACH, "%s can't be connected to%s%s", origin,
                            number ? ": " : "", number ? strerror((int)number) : "");
    }
}

/** We ended it, because of what came. */
static int outcome_of_answer(const struct kt_transfer *transfer, struct kt_error *error)
{
    const char *origin = transfer->outgoing->target->origin;
    switch (transfer->answer->failure) {
    case -EMSGSIZE:
        return kt_error_set(error, -EMSGSIZE, "the answer of %s is larger than %zu bytes", origin,
                            transfer->answer->size_max);
    case -ENOMEM:
        return -ENOMEM;
    default:
        return kt_error_set(error, -EPROTO, "the header of %s's answer is too large or malformed",
                            origin);
    }
}

/** Whether the request has been sent, or a part of it. */
static bool is_asked(const struct kt_transfer *transfer)
{
    long size = 0;
    curl_easy_getinfo(transfer->exchange.easy, CURLINFO_REQUEST_SIZE, &size);
    return size > 0;
}

int kt_outcome(const struct kt_transfer *transfer, struct kt_error *error)
{
    const char *origin = transfer->outgoing->target->origin;
    if (transfer->answer->failure)
        return outcome_of_answer(transfer, error);
    switch (transfer->exchange.code) {
    case CURLE_OK:
        return 0;
    case CURLE_OUT_OF_MEMORY: /* before 8.6 libcurl says so of a line that is too long as well */
        return is_asked(transfer) ? outcome_of_answer(transfer, error) : -ENOMEM;
    case CURLE_OPERATION_TIMEDOUT:
        return kt_error_set(error, -ETIMEDOUT, "no connection with %s within %lld ms", origin,
                            (long long)transfer->outgoing->connect_timeout_ms);
    case CURLE_COULDNT_CONNECT:
        return outcome_of_connection(transfer, error);
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_UPLOAD_FAILED:
        return kt_error_set(error, -ECONNRESET,
                            "%s closed the connection before its answer was complete", origin);
    case CURLE_UNSUPPORTED_PROTOCOL: /* also an answer without a head, as in HTTP/0.9 */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
#if LIBCURL_VERSION_NUM >= 0x080600
    case CURLE_TOO_LARGE:
#endif
    case CURLE_WRITE_ERROR:
        return kt_error_set(error, -EPROTO, "what %s answered is not HTTP", origin);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_SSL_SHUTDOWN_FAILED:
        return kt_error_set(error, -EKEYREJECTED, "no secure connection with %s: %s", origin,
                            *transfer->text ? transfer->text
                                            : curl_easy_strerror(transfer->exchange.code));
    case CURLE_PROXY:
        return kt_error_set(error, -EPROTO, "the proxy does not connect with %s", origin);
    default:
        return kt_error_set(error, -EIO, "%s can't be fetched: %s", origin,
                            curl_easy_strerror(transfer->exchange.code));
    }
}

int kt_outcome_of_wait(int status, const struct kt_transfer *transfer, struct kt_error *error)
{
    const char *origin = transfer->outgoing->target->origin;
    if (status == -ETIMEDOUT)
        return kt_error_set(error, status, "%s did not answer in time", origin);
    return kt_error_set(error, status, "fetching %s was cut short: the process or the worker ends",
                        origin);
}

int kt_outcome_of_name(int status, const struct kt_target *target, struct kt_error *error)
{
    switch (status) {
    case -ENOENT:
        return kt_error_set(error, status, "there is no host named %s", target->host);
    case -EHOSTUNREACH:
        return kt_error_set(error, status, "the name %s can't be looked up now", target->host);
    case -EAGAIN:
        return kt_error_set(error, status, "too many names are being looked up");
    case -ETIMEDOUT:
        return kt_error_set(error, status, "the name %s was not found in time", target->host);
    case -ECANCELED:
        return kt_error_set(error, status, "looking up %s was cut short", target->host);
    default:
        return status;
    }
}
