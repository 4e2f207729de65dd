/* SPDX-License-Identifier: BSD-2-Clause */
/* What namespaces and keys may look like. */
#include "store/name.h"

#include <errno.h>
#include <string.h>

bool kt_store_is_namespace(const char *text, size_t bytes)
{
    if (bytes == 0 || bytes > KT_STORE_NAMESPACE_MAX || text[0] < 'a' || text[0] > 'z')
        return false;
    for (size_t i = 1; i < bytes; i++)
        if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9') ||
              text[i] == '-'))
            return false;
    return true;
}

/** The bytes of the well-formed UTF-8 sequence at a text (RFC 3629); 0: none. */
static size_t letter_bytes(const unsigned char *at, size_t left)
{
    unsigned char first = at[0];
    if (first < 0x80)
        return 1;
    size_t bytes = first >= 0xc2 && first <= 0xdf   ? 2
                   : first >= 0xe0 && first <= 0xef ? 3
                   : first >= 0xf0 && first <= 0xf4 ? 4
                                                    : 0;
    if (bytes == 0 || bytes > left)
        return 0;
    for (size_t i = 1; i < bytes; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool is_overlong = (first == 0xe0 && at[1] < 0xa0) || (first == 0xf0 && at[1] < 0x90);
    bool is_surrogate = first == 0xed && at[1] > 0x9f;
    bool is_beyond = first == 0xf4 && at[1] > 0x8f;
    return is_overlong || is_surrogate || is_beyond ? 0 : bytes;
}

/** Whether a letter is U+0000 to U+001F, or U+007F to U+009F. */
static bool is_control(const unsigned char *at)
{
    return at[0] < 0x20 || at[0] == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0);
}

bool kt_store_is_text(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes;) {
        size_t taken = letter_bytes((const unsigned char *)text + i, bytes - i);
        if (taken == 0 || text[i] == '\0')
            return false;
        i += taken;
    }
    return true;
}

bool kt_store_is_prefix(const char *text, size_t bytes)
{
    if (bytes > KT_STORE_KEY_MAX)
        return false;
    for (size_t i = 0; i < bytes;) {
        size_t taken = letter_bytes((const unsigned char *)text + i, bytes - i);
        if (taken == 0 || is_control((const unsigned char *)text + i))
            return false;
        i += taken;
    }
    return true;
}

int kt_store_name_check(const char *name_space, const char *key, bool allows_empty,
                        struct kt_store_name *ret_name)
{
    if (!name_space || !key)
        return -EINVAL;
    *ret_name = (struct kt_store_name){
        .name_space = name_space,
        .key = key,
        .name_space_bytes = strnlen(name_space, KT_STORE_NAMESPACE_MAX + 1),
        .key_bytes = strnlen(key, KT_STORE_KEY_MAX + 1),
    };
    if (!kt_store_is_namespace(name_space, ret_name->name_space_bytes) ||
        !kt_store_is_prefix(key, ret_name->key_bytes))
        return -EINVAL;
    return ret_name->key_bytes > 0 || allows_empty ? 0 : -EINVAL;
}
