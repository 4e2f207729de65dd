/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: bytes of a hostile or broken peer could crash a worker or be read two ways. */
#include "fastcgi/record.h"
#include "http/params.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Pairs that the decoder takes at most here. */
#define PAIRS_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** A sum over everything a parser gives out, however it is cut in parts. */
static uint64_t parse(const uint8_t *data, size_t size, size_t piece)
{
    struct kt_record_parser parser;
    struct kt_record_part part;
    uint64_t sum = 0;
    memset(&parser, 0, sizeof(parser));
    for (size_t at = 0; at < size; at += piece) {
        size_t length = piece < size - at ? piece : size - at;
        const unsigned char *cursor = data + at, *end = cursor + length;
        enum kt_record_step step;
        while ((step = kt_record_next(&parser, &cursor, end, &part)) == KT_RECORD_PART) {
            if (part.size > part.length || (part.size == 0 && part.length > 0))
                abort();
            if (part.is_first)
                sum = sum * 31 + (uint64_t)part.type * 65536 + part.id;
            for (size_t i = 0; i < part.size; i++)
                sum = sum * 31 + part.data[i];
            if (part.is_last)
                sum = sum * 31 + part.length + 1;
        }
        if (step == KT_RECORD_BAD_VERSION)
            return sum;
        if (cursor != end)
            abort();
    }
    return sum;
}

/** A path that routes or authorizers decide by must be absolute and lead nowhere else. */
static void check_path(const char *path)
{
    if (path[0] != '/' || strstr(path, "//") || strstr(path, "/../") || strstr(path, "/./"))
        abort();
}

/** Make of the parameters what each role makes of them. */
static void interpret(char **strings)
{
    TALLOC_CTX *context = talloc_new(NULL);
    struct kt_params params;
    const char *path, *mount, *page;
    if (kt_params_scan(context, strings, &params) == 0) {
        if (kt_params_path(context, &params, "/tools", &path, &mount) == 0)
            check_path(path);
        if (kt_params_page(context, &params, &page) == 0)
            check_path(page);
        if (kt_params_length(params.content_length) < -EINVAL ||
            kt_params_length(params.data_length) < -EINVAL)
            abort();
    }
    talloc_free(context);
}

/** Decode the input as a parameter stream and check the strings against what was counted. */
static void decode(const uint8_t *data, size_t size)
{
    int count = kt_pairs_count(data, size, PAIRS_MAX);
    if (count < 0)
        return;
    unsigned char *copy = malloc(size + 1);
    char *strings[PAIRS_MAX + 1];
    if (!copy)
        return;
    memcpy(copy, data, size);
    kt_pairs_decode(copy, size, strings);
    const char *end = (const char *)copy + size;
    for (int i = 0; i < count; i++)
        if (!strings[i] || strings[i] + strlen(strings[i]) >= end || !strchr(strings[i], '='))
            abort();
    if (strings[count])
        abort();
    interpret(strings);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t whole = parse(data, size, size + 1);
    if (parse(data, size, 1) != whole || parse(data, size, 7) != whole)
        abort();
    decode(data, size);
    return 0;
}
