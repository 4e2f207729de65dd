/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations that read. */
#include "store/sqlite_operation.h"

#include "store/store.h"
#include "store/sum.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/** Above every key: no byte of UTF-8 is 0xff. */
static const char beyond[] = "\xff";

uint64_t kt_sqlite_sum(const char *name_space, size_t name_space_bytes, const char *key,
                       size_t key_bytes, int64_t revision, const void *value, size_t value_bytes)
{
    uint64_t number = htole64((uint64_t)revision);
    uint64_t sum = kt_sum(0, &number, sizeof number);
    sum = kt_sum(sum, name_space, name_space_bytes);
    sum = kt_sum(sum, key, key_bytes);
    return kt_sum(sum, value, value_bytes);
}

int kt_sqlite_bind_name(sqlite3_stmt *statement, const struct kt_sqlite_operation *operation)
{
    int status = sqlite3_bind_text(statement, 1, operation->name_space,
                                   (int)operation->name_space_bytes, SQLITE_STATIC);
    if (status == SQLITE_OK)
        status = sqlite3_bind_text(statement, 2, operation->key, (int)operation->key_bytes,
                                   SQLITE_STATIC);
    return status;
}

int kt_sqlite_step(sqlite3_stmt *statement)
{
    int status = sqlite3_step(statement);
    return status == SQLITE_OK ? SQLITE_ERROR : status;
}

/** A row as it lies in SQLite's memory. */
struct row {
    const char *key;
    size_t key_bytes;
    int64_t revision;
    const void *value;
    size_t value_bytes;
};

/** Take a row apart whose columns, from the first, are revision, sum, value. @return SQLITE_OK, or
 * SQLITE_CORRUPT */
static int take_row(sqlite3_stmt *statement, int first, const struct kt_sqlite_operation *operation,
                    struct row *row)
{
    row->revision = sqlite3_column_int64(statement, first);
    uint64_t sum = (uint64_t)sqlite3_column_int64(statement, first + 1);
    row->value = sqlite3_column_blob(statement, first + 2);
    row->value_bytes = (size_t)sqlite3_column_bytes(statement, first + 2);
    if (!row->value && row->value_bytes > 0)
        return SQLITE_NOMEM;
    if (!row->value && sqlite3_errcode(sqlite3_db_handle(statement)) == SQLITE_NOMEM)
        return SQLITE_NOMEM;
    return sum == kt_sqlite_sum(operation->name_space, operation->name_space_bytes, row->key,
                                row->key_bytes, row->revision, row->value, row->value_bytes)
               ? SQLITE_OK
               : SQLITE_CORRUPT;
}

/** A document in one chunk. NULL: no memory */
static struct kt_store_document *make_document(TALLOC_CTX *context, const struct row *row)
{
    size_t bytes = sizeof(struct kt_store_document) + row->key_bytes + 1 + row->value_bytes + 1;
    struct kt_store_document *document = talloc_size(context, bytes);
    if (!document)
        return NULL;
    talloc_set_name_const(document, "struct kt_store_document");
    char *key = (char *)(document + 1), *value = key + row->key_bytes + 1;
    memcpy(key, row->key, row->key_bytes);
    key[row->key_bytes] = '\0';
    if (row->value_bytes > 0)
        memcpy(value, row->value, row->value_bytes);
    value[row->value_bytes] = '\0';
    *document = (struct kt_store_document){
        .revision = (uint64_t)row->revision,
        .key = key,
        .value = value,
        .value_bytes = row->value_bytes,
    };
    return document;
}

static int read_document(struct kt_sqlite_file *file, struct kt_sqlite_operation *operation)
{
    sqlite3_stmt *statement;
    struct row row = {.key = operation->key, .key_bytes = operation->key_bytes};
    int status = kt_sqlite_prepare(file, KT_SQLITE_GET, &statement);
    if (status == SQLITE_OK)
        status = kt_sqlite_bind_name(statement, operation);
    if (status != SQLITE_OK)
        return status;
    status = kt_sqlite_step(statement);
    if (status == SQLITE_DONE) {
        operation->status = -ENOENT;
        status = SQLITE_OK;
    } else if (status == SQLITE_ROW) {
        status = take_row(statement, 0, operation, &row);
        if (status == SQLITE_OK && !(operation->memory = make_document(NULL, &row)))
            status = SQLITE_NOMEM;
    }
    sqlite3_reset(statement);
    return status;
}

/** Take the rows until the page is full. @return SQLITE_OK or SQLite's status */
static int take_rows(sqlite3_stmt *statement, struct kt_sqlite_operation *operation,
                     struct kt_store_page *page)
{
    size_t bytes = 0;
    int status;
    while ((status = kt_sqlite_step(statement)) == SQLITE_ROW) {
        struct row row = {.key = (const char *)sqlite3_column_text(statement, 0),
                          .key_bytes = (size_t)sqlite3_column_bytes(statement, 0)};
        status = row.key ? take_row(statement, 1, operation, &row) : SQLITE_NOMEM;
        if (status != SQLITE_OK)
            return status;
        if (page->count == operation->limit ||
            (page->count > 0 && bytes + row.value_bytes > KT_STORE_PAGE_BYTES_MAX)) {
            page->has_more = true;
            return SQLITE_OK;
        }
        bytes += row.value_bytes;
        page->documents[page->count] = make_document(page, &row);
        if (!page->documents[page->count])
            return SQLITE_NOMEM;
        page->count++;
    }
    return status == SQLITE_DONE ? SQLITE_OK : status;
}

/** The least text above all with this prefix: its last byte, never 0xff in UTF-8, goes up. */
static int bind_end(sqlite3_stmt *statement, const struct kt_sqlite_operation *operation)
{
    char end[KT_STORE_KEY_MAX + 1];
    if (operation->key_bytes == 0)
        return sqlite3_bind_text(statement, 3, beyond, 1, SQLITE_STATIC);
    memcpy(end, operation->key, operation->key_bytes);
    end[operation->key_bytes - 1]++;
    return sqlite3_bind_text(statement, 3, end, (int)operation->key_bytes, SQLITE_TRANSIENT);
}

static int read_page(struct kt_sqlite_file *file, struct kt_sqlite_operation *operation)
{
    sqlite3_stmt *statement;
    bool is_behind = operation->after && strcmp(operation->after, operation->key) >= 0;
    int status =
        kt_sqlite_prepare(file, is_behind ? KT_SQLITE_SCAN_AFTER : KT_SQLITE_SCAN_FROM, &statement);
    if (status == SQLITE_OK)
        status = kt_sqlite_bind_name(statement, operation);
    if (status == SQLITE_OK && is_behind)
        status = sqlite3_bind_text(statement, 2, operation->after, (int)operation->after_bytes,
                                   SQLITE_STATIC);
    if (status == SQLITE_OK)
        status = bind_end(statement, operation);
    if (status == SQLITE_OK)
        status = sqlite3_bind_int64(statement, 4, (sqlite3_int64)operation->limit + 1);
    if (status != SQLITE_OK)
        return status;
    struct kt_store_page *page = talloc_zero_size(
        NULL, sizeof *page + operation->limit * sizeof(struct kt_store_document *));
    if (!page)
        return SQLITE_NOMEM;
    talloc_set_name_const(page, "struct kt_store_page");
    status = take_rows(statement, operation, page);
    sqlite3_reset(statement);
    if (status == SQLITE_OK)
        operation->memory = page;
    else
        talloc_free(page);
    return status;
}

static int read_counter(struct kt_sqlite_file *file, struct kt_sqlite_operation *operation)
{
    sqlite3_stmt *statement;
    int status = kt_sqlite_prepare(file, KT_SQLITE_COUNTER, &statement);
    if (status == SQLITE_OK)
        status = kt_sqlite_bind_name(statement, operation);
    if (status != SQLITE_OK)
        return status;
    status = kt_sqlite_step(statement);
    operation->value = status == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return status == SQLITE_ROW || status == SQLITE_DONE ? SQLITE_OK : status;
}

/* ---------------------------------------------------------------- for kontorctl */

static void copy_column(sqlite3_stmt *statement, int column, char *text, size_t size)
{
    const unsigned char *found = sqlite3_column_text(statement, column);
    size_t bytes = (size_t)sqlite3_column_bytes(statement, column);
    if (found && bytes < size) {
        memcpy(text, found, bytes);
        text[bytes] = '\0';
    }
}

static int read_next(struct kt_sqlite_file *file, struct kt_sqlite_operation *operation)
{
    sqlite3_stmt *statement;
    bool is_counter = operation->kind == KT_SQLITE_OP_NEXT_COUNTER;
    int status = kt_sqlite_prepare(file, is_counter ? KT_SQLITE_NEXT_COUNTER : KT_SQLITE_NEXT_SPACE,
                                   &statement);
    if (status == SQLITE_OK)
        status = sqlite3_bind_text(statement, 1, operation->name_space,
                                   (int)operation->name_space_bytes, SQLITE_STATIC);
    if (status == SQLITE_OK && is_counter)
        status = sqlite3_bind_text(statement, 2, operation->key, (int)operation->key_bytes,
                                   SQLITE_STATIC);
    struct kt_store_entry *entry =
        status == SQLITE_OK ? talloc_zero(NULL, struct kt_store_entry) : NULL;
    if (!entry)
        return status == SQLITE_OK ? SQLITE_NOMEM : status;
    status = kt_sqlite_step(statement);
    if (status == SQLITE_ROW) {
        copy_column(statement, 0, entry->name_space, sizeof entry->name_space);
        if (is_counter) {
            copy_column(statement, 1, entry->key, sizeof entry->key);
            entry->value = sqlite3_column_int64(statement, 2);
        }
        operation->memory = entry;
    } else {
        talloc_free(entry);
        operation->status = -ENOENT;
    }
    sqlite3_reset(statement);
    return status == SQLITE_ROW || status == SQLITE_DONE ? SQLITE_OK : status;
}

/** Have SQLite look at all pages, which checks their sums, and at what they make together. */
static int check(struct kt_sqlite_file *file)
{
    sqlite3_stmt *statement;
    int status = kt_sqlite_prepare(file, KT_SQLITE_CHECK, &statement);
    if (status != SQLITE_OK)
        return status;
    status = kt_sqlite_step(statement);
    const char *text =
        status == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    bool is_whole = text && strcmp(text, "ok") == 0;
    int end = sqlite3_reset(statement);
    if (status != SQLITE_ROW || end != SQLITE_OK)
        return status == SQLITE_ROW ? end : status;
    return is_whole ? SQLITE_OK : SQLITE_CORRUPT;
}

int kt_sqlite_read(struct kt_sqlite_file *file, struct kt_sqlite_operation *operation)
{
    operation->status = 0;
    switch (operation->kind) {
    case KT_SQLITE_OP_GET:
        return read_document(file, operation);
    case KT_SQLITE_OP_SCAN:
        return read_page(file, operation);
    case KT_SQLITE_OP_NEXT_SPACE:
    case KT_SQLITE_OP_NEXT_COUNTER:
        return read_next(file, operation);
    case KT_SQLITE_OP_CHECK:
        return check(file);
    case KT_SQLITE_OP_COUNTER:
    default:
        return read_counter(file, operation);
    }
}
