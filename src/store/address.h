/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the store is:
 *   sqlite:/var/lib/kontor/store.db
 *   redis://[[USER][:PASSWORD]@]HOST[:PORT][/DB]      rediss:// with TLS
 *   redis+unix:/run/redis/redis.sock[?db=N]
 * Reserved characters in user and password are percent-encoded (RFC 3986, section 2.1). A password
 * is better kept in a file of its own: option store_password_file.
 */
#ifndef KT_STORE_ADDRESS_H
#define KT_STORE_ADDRESS_H

#include <kontor/error.h>
#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

enum kt_store_kind { KT_STORE_SQLITE, KT_STORE_REDIS };

struct kt_store_address {
    enum kt_store_kind kind;
    bool with_tls;
    uint16_t port;       /**< of Redis by TCP */
    uint32_t database;   /**< number, of Redis */
    const char *path;    /**< of the file, or of the Unix socket; NULL: by TCP */
    const char *host;    /**< NULL: by path */
    const char *user;    /**< NULL: none */
    char *password;      /**< NULL: none; never shown: it may be wiped after the backend is made */
    const char *shown;   /**< for logs and status: without the password */
};

/**
 * Read an address.
 * @param ret_address  owned by the context
 * @return 0, -EINVAL with the words, -ENOMEM
 */
int kt_store_address_read(TALLOC_CTX *context, const char *text,
                          struct kt_store_address **ret_address, struct kt_error *error);

/**
 * Take the password from a file: its only line.
 * @return 0, -EINVAL, or why the file can't be read, with the words
 */
int kt_store_password_read(struct kt_store_address *address, const char *path,
                           struct kt_error *error);

#endif
