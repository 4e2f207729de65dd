/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS: OpenSSL checks whom we speak with, hiredis does the rest. */
#include "config.h"

#include "store/redis_tls.h"

#include <errno.h>

#ifdef HAVE_HIREDIS_SSL

#include "fetch/address.h"

#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

struct kt_redis_tls {
    SSL_CTX *settings;
    const char *host;
    bool is_number;
};

static int free_settings(struct kt_redis_tls *tls)
{
    SSL_CTX_free(tls->settings);
    return 0;
}

int kt_redis_tls_new(TALLOC_CTX *context, const char *host, struct kt_redis_tls **ret_tls,
                     struct kt_error *error)
{
    union kt_address number;
    struct kt_redis_tls *tls = talloc_zero(context, struct kt_redis_tls);
    if (!tls)
        return kt_error_set(error, -ENOMEM, "out of memory");
    tls->host = talloc_strdup(tls, host);
    tls->is_number = kt_address_parse(host, &number);
    tls->settings = SSL_CTX_new(TLS_client_method());
    if (tls->settings)
        talloc_set_destructor(tls, free_settings);
    if (!tls->host || !tls->settings ||
        SSL_CTX_set_min_proto_version(tls->settings, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_default_verify_paths(tls->settings) != 1) {
        talloc_free(tls);
        return kt_error_set(error, -EPROTO, "TLS can't be prepared");
    }
    SSL_CTX_set_verify(tls->settings, SSL_VERIFY_PEER, NULL);
    *ret_tls = tls;
    return 0;
}

int kt_redis_tls_start(struct kt_redis_tls *tls, redisContext *context)
{
    SSL *connection = SSL_new(tls->settings);
    if (!connection)
        return -ENOMEM;
    int is_set = tls->is_number
                     ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), tls->host)
                     : SSL_set1_host(connection, tls->host) &&
                           SSL_set_tlsext_host_name(connection, tls->host);
    if (is_set && redisInitiateSSL(context, connection) == REDIS_OK)
        return 0;
    SSL_free(connection);
    return -EPROTO;
}

const char *kt_redis_tls_words(const struct kt_redis_tls *tls, const char *text)
{
    const char *reason = tls ? ERR_reason_error_string(ERR_peek_last_error()) : NULL;
    return reason ? reason : text;
}

#else

int kt_redis_tls_new(TALLOC_CTX *context, const char *host, struct kt_redis_tls **ret_tls,
                     struct kt_error *error)
{
    (void)context;
    (void)host;
    (void)ret_tls;
    return kt_error_set(error, -EPROTONOSUPPORT,
                        "rediss: this kontor was built with a hiredis that has no TLS");
}

int kt_redis_tls_start(struct kt_redis_tls *tls, redisContext *context)
{
    (void)tls;
    (void)context;
    return -EPROTONOSUPPORT;
}

const char *kt_redis_tls_words(const struct kt_redis_tls *tls, const char *text)
{
    (void)tls;
    return text;
}

#endif
