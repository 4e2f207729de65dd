/* SPDX-License-Identifier: BSD-2-Clause */
/* Case is folded in the local part, too: nobody gives two people addresses that differ in it. */
#include "address.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/** RFC 5321, 4.5.3.1.1. */
#define LOCAL_PART_MAX 64u

static char to_lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static bool is_letter_or_digit(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
}

/** Atoms with dots between them (RFC 5322, 3.2.3), as letters, digits and so many others. */
static bool is_dotted(const char *text, size_t size, const char *others)
{
    if (size == 0 || text[0] == '.' || text[size - 1] == '.')
        return false;
    for (size_t index = 0; index < size; index++) {
        if (text[index] == '.' ? text[index - 1] == '.'
                               : !is_letter_or_digit(text[index]) && !strchr(others, text[index]))
            return false;
    }
    return true;
}

int kt_address_normalise(const char *text, char ret_address[KT_ADDRESS_SIZE])
{
    static const char blanks[] = " \t\r\n";
    size_t size, local;
    const char *at;

    text += strspn(text, blanks);
    size = strlen(text);
    while (size > 0 && strchr(blanks, text[size - 1]))
        size--;
    if (size >= KT_ADDRESS_SIZE)
        return -EINVAL;
    for (size_t index = 0; index < size; index++)
        ret_address[index] = to_lower(text[index]);
    ret_address[size] = '\0';
    at = strchr(ret_address, '@');
    if (!at)
        return -EINVAL;
    local = (size_t)(at - ret_address);
    return local <= LOCAL_PART_MAX && is_dotted(ret_address, local, "!#$%&'*+-/=?^_`{|}~") &&
                   is_dotted(at + 1, size - local - 1, "-")
               ? 0
               : -EINVAL;
}

bool kt_domains_are_open(const char *const *domains)
{
    if (!domains || !*domains)
        return true;
    for (; *domains; domains++) {
        if (strcmp(*domains, "*") == 0)
            return true;
    }
    return false;
}

bool kt_domains_have(const char *const *domains, const char *address)
{
    const char *at = strrchr(address, '@');

    if (kt_domains_are_open(domains))
        return true;
    for (; at && *domains; domains++) {
        if (strcmp(*domains, at + 1) == 0)
            return true;
    }
    return false;
}
