/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a web server's request would be misread, or a hostile peer could reach memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fastcgi/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/** What a run of the parser saw, as one text: "type:id:content;" for each record. */
struct trace {
    char text[4096];
    size_t size;
    bool is_bad;
};

static void trace_feed(struct trace *trace, struct kt_record_parser *parser,
                       const unsigned char *data, size_t size)
{
    const unsigned char *cursor = data, *end = data + size;
    struct kt_record_part part;
    for (;;) {
        enum kt_record_step step = kt_record_next(parser, &cursor, end, &part);
        if (step == KT_RECORD_MORE) {
            assert_ptr_equal(cursor, end);
            return;
        }
        if (step == KT_RECORD_BAD_VERSION) {
            trace->is_bad = true;
            return;
        }
        if (part.is_first)
            trace->size += (size_t)snprintf(
                trace->text + trace->size, sizeof(trace->text) - trace->size,
                "%u:%u:%u:", (unsigned)part.type, (unsigned)part.id, (unsigned)part.length);
        assert_true(part.size <= (size_t)(end - data));
        assert_true(trace->size + part.size + 2 < sizeof(trace->text));
        memcpy(trace->text + trace->size, part.data, part.size);
        trace->size += part.size;
        if (part.is_last)
            trace->text[trace->size++] = ';';
    }
}

/** Append a record with padding. */
static size_t record(unsigned char *to, uint8_t type, uint16_t id, const char *content,
                     uint8_t padding)
{
    size_t size = strlen(content);
    kt_record_header(to, type, id, size);
    to[6] = padding;
    memcpy(to + 8, content, size);
    memset(to + 8 + size, 0xee, padding);
    return 8 + size + padding;
}

static size_t sample(unsigned char *to)
{
    size_t size = record(to, FCGI_BEGIN_REQUEST, 1, "12345678", 0);
    size += record(to + size, FCGI_PARAMS, 1, "some parameters", 7);
    size += record(to + size, FCGI_PARAMS, 1, "", 0);
    size += record(to + size, FCGI_STDIN, 65535, "body", 255);
    size += record(to + size, FCGI_STDIN, 1, "", 3);
    size += record(to + size, 200, 0, "x", 1);
    return size;
}

static const char sample_trace[] =
    "1:1:8:12345678;4:1:15:some parameters;4:1:0:;5:65535:4:body;5:1:0:;200:0:1:x;";

static void test_pieces_equal_the_whole(void **state)
{
    (void)state;
    unsigned char data[1024];
    size_t size = sample(data);
    for (size_t piece = 1; piece <= size; piece++) {
        struct trace trace = {.size = 0};
        struct kt_record_parser parser = {.header_size = 0};
        for (size_t at = 0; at < size; at += piece)
            trace_feed(&trace, &parser, data + at, piece < size - at ? piece : size - at);
        assert_false(trace.is_bad);
        assert_int_equal(trace.size, strlen(sample_trace));
        assert_memory_equal(trace.text, sample_trace, trace.size);
        assert_true(kt_record_is_between(&parser));
    }
}

static void test_between_is_only_between(void **state)
{
    (void)state;
    unsigned char data[64];
    size_t size = record(data, FCGI_STDIN, 1, "abc", 4);
    struct trace trace = {.size = 0};
    struct kt_record_parser parser = {.header_size = 0};
    assert_true(kt_record_is_between(&parser));
    for (size_t at = 0; at < size; at++) {
        trace_feed(&trace, &parser, data + at, 1);
        assert_int_equal(kt_record_is_between(&parser), at == size - 1);
    }
}

static void test_other_versions_end_it(void **state)
{
    (void)state;
    struct trace trace = {.size = 0};
    struct kt_record_parser parser = {.header_size = 0};
    trace_feed(&trace, &parser, (const unsigned char *)"GET / HTTP/1.1\r\n", 1);
    assert_true(trace.is_bad);
    assert_int_equal(trace.size, 0);
}

static void test_headers_are_what_the_specification_says(void **state)
{
    (void)state;
    unsigned char data[16];
    kt_record_header(data, FCGI_STDOUT, 0x1234, 0xabcd);
    assert_memory_equal(data, "\x01\x06\x12\x34\xab\xcd\x00\x00", 8);
    assert_int_equal(kt_record_end(data, 7, 0x01020304, FCGI_UNKNOWN_ROLE), 16);
    assert_memory_equal(data, "\x01\x03\x00\x07\x00\x08\x00\x00\x01\x02\x03\x04\x03\x00\x00\x00",
                        16);
    assert_int_equal(kt_record_unknown_type(data, 99), 16);
    assert_memory_equal(data, "\x01\x0b\x00\x00\x00\x08\x00\x00\x63\x00\x00\x00\x00\x00\x00\x00",
                        16);
}

static void test_pairs_with_short_and_long_lengths(void **state)
{
    (void)state;
    unsigned char data[600] = "\x04\x02NAMEab\x01\x00X\x03\x80\x00\x01\x2c"
                              "BIG";
    const size_t value_at = 8 + 3 + 5 + 3, size = value_at + 300;
    memset(data + value_at, 'v', 300);
    assert_int_equal(kt_pairs_count(data, size, 10), 3);
    char *strings[4];
    kt_pairs_decode(data, size, strings);
    assert_string_equal(strings[0], "NAME=ab");
    assert_string_equal(strings[1], "X=");
    assert_int_equal(strlen(strings[2]), 304);
    assert_memory_equal(strings[2], "BIG=vvv", 7);
    assert_null(strings[3]);
}

static void test_no_pairs(void **state)
{
    (void)state;
    char *strings[1];
    unsigned char nothing[1] = {0};
    assert_int_equal(kt_pairs_count(nothing, 0, 10), 0);
    kt_pairs_decode(nothing, 0, strings);
    assert_null(strings[0]);
}

static void test_hostile_pairs_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t size;
        int error;
    } cases[] = {
        {"\x05", 1, -EBADMSG},                                /* no second length */
        {"\x05\x01short", 7, -EBADMSG},                       /* the value is missing */
        {"\x05\x80\x00\x00", 4, -EBADMSG},                    /* half a long length */
        {"\xff\xff\xff\xff\xff\xff\xff\xffxx", 10, -EBADMSG}, /* two gigabytes, twice */
        {"\x7f\xff\xff\xff\xffx", 6, -EBADMSG},               /* the sum runs over */
        {"\x00\x01v", 3, -EBADMSG},                           /* no name */
        {"\x03\x01"
         "A=Bv",
         6, -EBADMSG}, /* a name with '=' */
        {"\x03\x01"
         "A\0Bv",
         6, -EILSEQ},
        {"\x01\x03"
         "Aa\0b",
         6, -EILSEQ},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_int_equal(kt_pairs_count((const unsigned char *)cases[i].data, cases[i].size, 10),
                         cases[i].error);
    assert_int_equal(kt_pairs_count((const unsigned char *)"\x01\x00"
                                                           "A\x01\x00"
                                                           "B",
                                    6, 1),
                     -E2BIG);
}

static void test_written_pairs_are_read_back(void **state)
{
    (void)state;
    unsigned char data[64];
    char long_name[200];
    memset(long_name, 'n', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    size_t size = kt_pair_write(data, sizeof(data), "FCGI_MAX_REQS", "50");
    assert_int_equal(size, 17);
    const unsigned char *cursor = data;
    struct kt_pair pair;
    assert_int_equal(kt_pair_next(&cursor, data + size, &pair), 1);
    assert_memory_equal(pair.name, "FCGI_MAX_REQS", pair.name_size);
    assert_memory_equal(pair.value, "50", pair.value_size);
    assert_int_equal(kt_pair_next(&cursor, data + size, &pair), 0);
    assert_int_equal(kt_pair_write(data, 16, "FCGI_MAX_REQS", "50"), 0);
    assert_int_equal(kt_pair_write(data, sizeof(data), long_name, ""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_equal_the_whole),
        cmocka_unit_test(test_between_is_only_between),
        cmocka_unit_test(test_other_versions_end_it),
        cmocka_unit_test(test_headers_are_what_the_specification_says),
        cmocka_unit_test(test_pairs_with_short_and_long_lengths),
        cmocka_unit_test(test_no_pairs),
        cmocka_unit_test(test_hostile_pairs_are_refused),
        cmocka_unit_test(test_written_pairs_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
