/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: people's tokens and passwords would be lost, or readable for others. */
#include "inside.h"

#include "calendar/secrets.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BYTES 32

/** A key file with so many bytes, all alike. */
static char *write_key(TALLOC_CTX *memory, char byte, size_t size, mode_t mode)
{
    char *path = talloc_strdup(memory, "/tmp/kontor-key-XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    for (size_t count = 0; count < size; count++)
        assert_int_equal(write(fd, &byte, 1), 1);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    return path;
}

static struct kt_secrets *open_key(TALLOC_CTX *memory, char byte)
{
    char *path = write_key(memory, byte, KEY_BYTES, 0600);
    struct kt_secrets *secrets = NULL;
    struct kt_error error;

    assert_int_equal(kt_secrets_open(memory, path, &secrets, &error), 0);
    unlink(path);
    return secrets;
}

static void sealed_text_comes_back(void **state)
{
    static const char *const texts[] = {"", "a", "1//token", "with \"quotes\" and ü\n"};
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_secrets *secrets = open_key(memory, 'k');
    char *text;

    (void)state;
    for (size_t index = 0; index < sizeof(texts) / sizeof(*texts); index++) {
        char *sealed = kt_secrets_seal(memory, secrets, "purpose", texts[index]);
        char *again = kt_secrets_seal(memory, secrets, "purpose", texts[index]);

        assert_non_null(sealed);
        assert_string_not_equal(sealed, again); /* equal ones don't show as equal */
        assert_int_equal(kt_secrets_unseal(memory, secrets, "purpose", sealed, &text), 0);
        assert_string_equal(text, texts[index]);
    }
    talloc_free(memory);
}

static void whatever_is_changed_is_refused(void **state)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_secrets *secrets = open_key(memory, 'k'), *others = open_key(memory, 'o');
    char *sealed = kt_secrets_seal(memory, secrets, "calendar/google/1/ada", "token"), *text;

    (void)state;
    assert_int_equal(kt_secrets_unseal(memory, secrets, "calendar/google/1/grace", sealed, &text),
                     -EBADMSG);
    assert_int_equal(kt_secrets_unseal(memory, others, "calendar/google/1/ada", sealed, &text),
                     -EBADMSG);
    for (size_t at = 0; sealed[at]; at++) {
        char was = sealed[at];

        /* The last letter of base64 has bits that say nothing; another letter far off has not. */
        sealed[at] = was == 'A' ? 'q' : 'A';
        assert_int_equal(kt_secrets_unseal(memory, secrets, "calendar/google/1/ada", sealed, &text),
                         -EBADMSG);
        sealed[at] = '\0';
        assert_int_equal(kt_secrets_unseal(memory, secrets, "calendar/google/1/ada", sealed, &text),
                         -EBADMSG);
        sealed[at] = was;
    }
    assert_int_equal(kt_secrets_unseal(memory, secrets, "calendar/google/1/ada", sealed, &text), 0);
    talloc_free(memory);
}

static void long_texts_are_refused(void **state)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_secrets *secrets = open_key(memory, 'k');
    char *longest = talloc_zero_array(memory, char, KT_SECRETS_TEXT_MAX + 2), *text;

    (void)state;
    memset(longest, 'x', KT_SECRETS_TEXT_MAX);
    assert_int_equal(kt_secrets_unseal(memory, secrets, "",
                                       kt_secrets_seal(memory, secrets, "", longest), &text),
                     0);
    longest[KT_SECRETS_TEXT_MAX] = 'x';
    assert_null(kt_secrets_seal(memory, secrets, "", longest));
    talloc_free(memory);
}

static void bad_key_files_are_refused(void **state)
{
    static const struct {
        size_t size;
        mode_t mode;
    } bad[] = {{KEY_BYTES, 0604},     {KEY_BYTES, 0602},     {KEY_BYTES, 0620}, {0, 0600},
               {KEY_BYTES - 1, 0600}, {KEY_BYTES + 1, 0600}, {65, 0600}};
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_secrets *secrets;
    struct kt_error error;

    (void)state;
    for (size_t index = 0; index < sizeof(bad) / sizeof(*bad); index++) {
        char *path = write_key(memory, 'k', bad[index].size, bad[index].mode);

        assert_true(kt_secrets_open(memory, path, &secrets, &error) < 0);
        assert_non_null(strstr(error.text, path));
        unlink(path);
    }
    assert_int_equal(kt_secrets_open(memory, "/dev/zero", &secrets, &error), -EINVAL);
    assert_int_equal(kt_secrets_open(memory, "/nonexistent", &secrets, &error), -ENOENT);
    talloc_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_text_comes_back),
        cmocka_unit_test(whatever_is_changed_is_refused),
        cmocka_unit_test(long_texts_are_refused),
        cmocka_unit_test(bad_key_files_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
