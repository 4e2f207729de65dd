/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Temporary files for tests of the configuration, plugins and sockets.
 */
#ifndef TEST_FILES_H
#define TEST_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

/** The directory of the running test, and the talloc context of all it makes. */
static char *directory;
static TALLOC_CTX *memory;

static inline int directory_make(void **state)
{
    (void)state;
    const char *parent = getenv("TMPDIR");
    memory = talloc_new(NULL);
    directory = talloc_asprintf(memory, "%s/kontor-unit-XXXXXX", parent != NULL ? parent : "/tmp");
    return mkdtemp(directory) != NULL && chmod(directory, 0755) == 0 ? 0 : -1;
}

static inline int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

static inline int directory_remove(void **state)
{
    (void)state;
    int result = nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    talloc_free(memory);
    return result;
}

/** The path of a name in the test's directory. */
static inline char *path_of(const char *name)
{
    return talloc_asprintf(memory, "%s/%s", directory, name);
}

static inline void write_bytes(const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/** A cmocka test in a directory of its own. */
#define TEST_WITH_FILES(test)                                                                      \
    cmocka_unit_test_setup_teardown(test, directory_make, directory_remove)

#endif
