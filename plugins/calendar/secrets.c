/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XChaCha20-Poly1305 with a nonce by chance: long enough that none comes twice. The purpose is the
 * additional data. A sealed text is "v1." and base64 of nonce and ciphertext; another version may
 * come with another key.
 */
#include "secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION "v1."
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define KEY_BYTES crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

struct kt_secrets {
    unsigned char key[KEY_BYTES];
};

static int secrets_destroy(struct kt_secrets *secrets)
{
    sodium_munlock(secrets->key, sizeof(secrets->key));
    return 0;
}

/* ---------------------------------------------------------------- the key */

static int check_file(int fd, const char *path, struct kt_error *error)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return kt_error_set(error, -errno, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return kt_error_set(error, -EINVAL, "%s: this is no regular file", path);
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return kt_error_set(error, -EPERM, "%s: it must belong to root", path);
    if (status.st_mode & (S_IWGRP | S_IRWXO))
        return kt_error_set(error, -EPERM,
                            "%s: others may read or change it; try: chmod 0600 (or 0640 with the "
                            "group that kontor runs as)",
                            path);
    return 0;
}

static int read_key(int fd, const char *path, unsigned char *key, struct kt_error *error)
{
    unsigned char bytes[KEY_BYTES + 1]; /* one more, to see that there is too much */
    ssize_t count = read(fd, bytes, sizeof(bytes));
    int result = 0;

    if (count < 0)
        result = kt_error_set(error, -errno, "%s: %s", path, strerror(errno));
    else if (count != KEY_BYTES)
        result = kt_error_set(error, -EINVAL,
                              "%s: expected are %d random bytes; to make them: head -c %d "
                              "/dev/urandom",
                              path, (int)KEY_BYTES, (int)KEY_BYTES);
    else
        memcpy(key, bytes, KEY_BYTES);
    sodium_memzero(bytes, sizeof(bytes));
    return result;
}

int kt_secrets_open(TALLOC_CTX *context, const char *path, struct kt_secrets **ret_secrets,
                    struct kt_error *error)
{
    struct kt_secrets *secrets;
    int fd, result;

    if (sodium_init() < 0)
        return kt_error_set(error, -EIO, "libsodium can't start");
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return kt_error_set(error, -errno, "%s: %s", path, strerror(errno));
    secrets = talloc_zero(context, struct kt_secrets);
    result = secrets ? check_file(fd, path, error) : kt_error_set(error, -ENOMEM, "no memory");
    if (result == 0) {
        /* Where it isn't allowed (RLIMIT_MEMLOCK) the key is as safe as the rest of the memory. */
        (void)sodium_mlock(secrets->key, sizeof(secrets->key));
        talloc_set_destructor(secrets, secrets_destroy);
        result = read_key(fd, path, secrets->key, error);
    }
    close(fd);
    if (result < 0)
        talloc_free(secrets);
    else
        *ret_secrets = secrets;
    return result;
}

/* ---------------------------------------------------------------- sealing */

char *kt_secrets_seal(TALLOC_CTX *context, const struct kt_secrets *secrets, const char *purpose,
                      const char *text)
{
    size_t length = strlen(text), size = NONCE_BYTES + length + TAG_BYTES;
    size_t room = strlen(VERSION) + sodium_base64_encoded_len(size, BASE64);
    unsigned char *bytes;
    char *sealed;

    if (length > KT_SECRETS_TEXT_MAX)
        return NULL;
    bytes = talloc_array(context, unsigned char, (unsigned)size);
    sealed = talloc_array(context, char, (unsigned)room);
    if (!bytes || !sealed)
        return NULL;
    randombytes_buf(bytes, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        bytes + NONCE_BYTES, NULL, (const unsigned char *)text, length,
        (const unsigned char *)purpose, strlen(purpose), NULL, bytes, secrets->key);
    memcpy(sealed, VERSION, strlen(VERSION));
    sodium_bin2base64(sealed + strlen(VERSION), room - strlen(VERSION), bytes, size, BASE64);
    talloc_free(bytes);
    return sealed;
}

int kt_secrets_unseal(TALLOC_CTX *context, const struct kt_secrets *secrets, const char *purpose,
                      const char *sealed, char **ret_text)
{
    size_t written = strlen(sealed), size = 0;
    unsigned char *bytes;
    char *text;
    int result = -EBADMSG;

    if (strncmp(sealed, VERSION, strlen(VERSION)) != 0 || written > 2 * KT_SECRETS_TEXT_MAX)
        return -EBADMSG;
    bytes = talloc_array(context, unsigned char, (unsigned)written);
    text = talloc_zero_array(context, char, (unsigned)written);
    if (!bytes || !text) {
        result = -ENOMEM;
    } else if (sodium_base642bin(bytes, written, sealed + strlen(VERSION),
                                 written - strlen(VERSION), NULL, &size, NULL, BASE64) == 0 &&
               size >= NONCE_BYTES + TAG_BYTES &&
               crypto_aead_xchacha20poly1305_ietf_decrypt(
                   (unsigned char *)text, NULL, NULL, bytes + NONCE_BYTES, size - NONCE_BYTES,
                   (const unsigned char *)purpose, strlen(purpose), bytes, secrets->key) == 0) {
        result = 0;
    }
    talloc_free(bytes);
    if (result < 0)
        talloc_free(text);
    else
        *ret_text = text;
    return result;
}
