/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the address of a store. What is wrong is told without the address when that may have a
 * password in it.
 */
#include "store/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/** The port that Redis has from IANA, with TLS as well. */
#define PORT_DEFAULT 6379u
/** Redis' own limit for "databases" is an int; nobody has more. */
#define DATABASE_MAX 65535ul
/** The longest path of a file, and the longest name of a host (RFC 1035: 253). */
#define PATH_BYTES_MAX 1000u
#define HOST_BYTES_MAX 253u
/** The longest user or password, decoded. */
#define SECRET_BYTES_MAX 512u

/** Read a whole number. @return whether the text is one, not above the maximum */
static bool read_number(const char *text, unsigned long maximum, unsigned long *ret_number)
{
    char *end;
    if (!isdigit((unsigned char)text[0]) || strlen(text) > 9)
        return false;
    *ret_number = strtoul(text, &end, 10);
    return *end == '\0' && *ret_number <= maximum;
}

static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (iscntrl((unsigned char)*text))
            return false;
    return true;
}

/* ---------------------------------------------------------------- paths */

static int take_path(struct kt_store_address *address, const char *text, size_t bytes_max,
                     struct kt_error *error)
{
    size_t length = strlen(text);
    if (text[0] != '/' || text[length - 1] == '/')
        return kt_error_set(error, -EINVAL, "'%s' is no absolute path of a file", text);
    if (length > bytes_max)
        return kt_error_set(error, -EINVAL, "the path is longer than %zu bytes", bytes_max);
    address->path = talloc_strdup(address, text);
    return address->path ? 0 : kt_error_set(error, -ENOMEM, "out of memory");
}

static int read_sqlite(struct kt_store_address *address, const char *text, struct kt_error *error)
{
    address->kind = KT_STORE_SQLITE;
    int result = take_path(address, text, PATH_BYTES_MAX, error);
    if (result == 0) {
        address->shown = talloc_asprintf(address, "sqlite:%s", address->path);
        result = address->shown ? 0 : kt_error_set(error, -ENOMEM, "out of memory");
    }
    return result;
}

static int read_redis_socket(struct kt_store_address *address, const char *text,
                             struct kt_error *error)
{
    const char *question = strchr(text, '?');
    unsigned long database = 0;
    address->kind = KT_STORE_REDIS;
    if (question &&
        (strncmp(question, "?db=", 4) != 0 || !read_number(question + 4, DATABASE_MAX, &database)))
        return kt_error_set(error, -EINVAL,
                            "'%s' is wrong, behind the path of a socket there may only be "
                            "?db=NUMBER, up to %lu",
                            question, DATABASE_MAX);
    char *path = talloc_strndup(address, text, question ? (size_t)(question - text) : strlen(text));
    if (!path)
        return kt_error_set(error, -ENOMEM, "out of memory");
    int result =
        take_path(address, path, sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1, error);
    if (result == 0) {
        address->database = (uint32_t)database;
        address->shown = talloc_asprintf(address, "redis+unix:%s?db=%lu", address->path, database);
        result = address->shown ? 0 : kt_error_set(error, -ENOMEM, "out of memory");
    }
    return result;
}

/* ---------------------------------------------------------------- redis:// */

static int digit_of(char letter)
{
    return isdigit((unsigned char)letter)    ? letter - '0'
           : isxdigit((unsigned char)letter) ? tolower((unsigned char)letter) - 'a' + 10
                                             : -1;
}

/** Undo percent-encoding. @return NULL: malformed, with control characters, or no memory */
static char *decode(TALLOC_CTX *context, const char *text, size_t bytes)
{
    char *decoded = talloc_zero_size(context, bytes + 1), *to = decoded;
    for (size_t i = 0; decoded && i < bytes; i++) {
        char letter = text[i];
        if (letter == '%') {
            int high = bytes - i > 2 ? digit_of(text[i + 1]) : -1;
            int low = bytes - i > 2 ? digit_of(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return NULL;
            letter = (char)(high * 16 + low);
            i += 2;
        }
        *to++ = letter;
    }
    if (!decoded || !is_plain(decoded) || (size_t)(to - decoded) != strlen(decoded) ||
        strlen(decoded) > SECRET_BYTES_MAX)
        return NULL;
    return decoded;
}

/** Take [USER][:PASSWORD], without the "@". */
static int take_credentials(struct kt_store_address *address, const char *text, size_t bytes,
                            struct kt_error *error)
{
    const char *colon = memchr(text, ':', bytes);
    size_t user_bytes = colon ? (size_t)(colon - text) : bytes;
    if (memchr(text, '@', bytes) || (colon && memchr(colon + 1, ':', bytes - user_bytes - 1)))
        return kt_error_set(error, -EINVAL,
                            "'@' and ':' in the user or the password must be percent-encoded");
    char *user = decode(address, text, user_bytes);
    char *password = colon ? decode(address, colon + 1, bytes - user_bytes - 1) : NULL;
    if (!user || (colon && !password))
        return kt_error_set(error, -EINVAL, "the user or the password is malformed");
    address->user = *user ? user : NULL;
    address->password = password && *password ? password : NULL;
    return 0;
}

/** Take HOST[:PORT] or [ADDRESS][:PORT]. */
static int take_host(struct kt_store_address *address, char *text, struct kt_error *error)
{
    unsigned long port = PORT_DEFAULT;
    struct in6_addr ignored;
    char *host = text, *end, *colon;
    bool is_literal = text[0] == '[';
    if (is_literal) {
        host++;
        end = strchr(host, ']');
        if (!end || (end[1] != '\0' && end[1] != ':'))
            return kt_error_set(error, -EINVAL, "'%s' is no host", text);
        colon = end[1] == ':' ? end + 1 : NULL;
        *end = '\0';
    } else {
        colon = strchr(text, ':');
    }
    if (colon) {
        if (!read_number(colon + 1, UINT16_MAX, &port) || port == 0)
            return kt_error_set(error, -EINVAL, "'%s' is no port", colon + 1);
        *colon = '\0';
    }
    size_t allowed = strspn(host, is_literal ? "0123456789abcdefABCDEF:."
                                             : "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY"
                                               "Z0123456789.-_");
    if (*host == '\0' || host[allowed] != '\0' || allowed > HOST_BYTES_MAX ||
        (is_literal && inet_pton(AF_INET6, host, &ignored) != 1))
        return kt_error_set(error, -EINVAL, "'%s' is no host", host);
    address->host = talloc_strdup(address, host);
    address->port = (uint16_t)port;
    return address->host ? 0 : kt_error_set(error, -ENOMEM, "out of memory");
}

static int read_redis(struct kt_store_address *address, const char *text, struct kt_error *error)
{
    unsigned long database = 0;
    address->kind = KT_STORE_REDIS;
    const char *slash = strchr(text, '/');
    char *authority = talloc_strndup(address, text, slash ? (size_t)(slash - text) : strlen(text));
    if (!authority)
        return kt_error_set(error, -ENOMEM, "out of memory");
    char *at = strrchr(authority, '@');
    int result = 0;
    if (at)
        result = take_credentials(address, authority, (size_t)(at - authority), error);
    /* A password with a slash in it would end up here: it must not be shown. */
    if (result == 0 && slash && slash[1] != '\0' &&
        !read_number(slash + 1, DATABASE_MAX, &database))
        result = kt_error_set(error, -EINVAL,
                              "behind the host there may only be /NUMBER of a database, up to "
                              "%lu; '/' in a password must be percent-encoded",
                              DATABASE_MAX);
    if (result == 0)
        result = take_host(address, at ? at + 1 : authority, error);
    sodium_memzero(authority, strlen(authority));
    talloc_free(authority);
    if (result < 0)
        return result;
    bool is_literal = strchr(address->host, ':') != NULL;
    address->database = (uint32_t)database;
    address->shown = talloc_asprintf(
        address, "%s://%s%s%s%s%s:%u/%lu", address->with_tls ? "rediss" : "redis",
        address->user ? address->user : "", address->user ? "@" : "", is_literal ? "[" : "",
        address->host, is_literal ? "]" : "", address->port, database);
    return address->shown ? 0 : kt_error_set(error, -ENOMEM, "out of memory");
}

/* ---------------------------------------------------------------- all of them */

int kt_store_address_read(TALLOC_CTX *context, const char *text,
                          struct kt_store_address **ret_address, struct kt_error *error)
{
    static const char file[] = "sqlite:", socket[] = "redis+unix:", plain[] = "redis://",
                      tls[] = "rediss://";
    struct kt_store_address *address = talloc_zero(context, struct kt_store_address);
    int result;
    if (!address)
        return kt_error_set(error, -ENOMEM, "out of memory");
    if (!is_plain(text)) {
        result = kt_error_set(error, -EINVAL, "there are control characters in it");
    } else if (strncmp(text, file, strlen(file)) == 0) {
        result = read_sqlite(address, text + strlen(file), error);
    } else if (strncmp(text, socket, strlen(socket)) == 0) {
        result = read_redis_socket(address, text + strlen(socket), error);
    } else if (strncmp(text, plain, strlen(plain)) == 0) {
        result = read_redis(address, text + strlen(plain), error);
    } else if (strncmp(text, tls, strlen(tls)) == 0) {
        address->with_tls = true;
        result = read_redis(address, text + strlen(tls), error);
    } else {
        result = kt_error_set(error, -EINVAL,
                              "expected is sqlite:/PATH, redis://HOST, rediss://HOST or "
                              "redis+unix:/PATH");
    }
    if (result < 0)
        talloc_free(address);
    else
        *ret_address = address;
    return result;
}

int kt_store_password_read(struct kt_store_address *address, const char *path,
                           struct kt_error *error)
{
    char text[SECRET_BYTES_MAX + 3];
    if (address->kind != KT_STORE_REDIS)
        return kt_error_set(error, -EINVAL, "only a store in Redis has a password");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    int code = size < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    if (code < 0)
        return kt_error_set(error, code, "%s: %s", path, strerror(-code));
    text[size] = '\0';
    size_t length = strcspn(text, "\r\n");
    bool is_one_line = length + strspn(text + length, "\r\n") == (size_t)size;
    text[length] = '\0';
    if (length == 0 || length > SECRET_BYTES_MAX || !is_one_line || !is_plain(text)) {
        code = kt_error_set(error, -EINVAL, "%s: expected is one line of 1 to %u bytes", path,
                            SECRET_BYTES_MAX);
    } else {
        talloc_free(address->password);
        address->password = talloc_strdup(address, text);
        code = address->password ? 0 : kt_error_set(error, -ENOMEM, "out of memory");
    }
    sodium_memzero(text, sizeof text);
    return code;
}
