/* SPDX-License-Identifier: BSD-2-Clause */
/* One pass over the media ranges, each read in place; nothing is copied. */
#include "negotiation.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t"
/** Weights in thousandths: they have at most three decimals (RFC 9110, 12.4.2). */
#define WEIGHT_ONE 1000

/** A part of the field. */
struct word {
    const char *text;
    size_t length;
};

/** What it says of one kind of answer: the more precise range counts, of equals the better one. */
struct opinion {
    int precision; /**< 0: none, 1: any type, 2: any text, 3: this one */
    int weight;
};

static bool is_word(struct word word, const char *text)
{
    return word.length == strlen(text) && strncasecmp(word.text, text, word.length) == 0;
}

static struct word trim(struct word word)
{
    while (word.length > 0 && strchr(BLANKS, word.text[0])) {
        word.text++;
        word.length--;
    }
    while (word.length > 0 && strchr(BLANKS, word.text[word.length - 1]))
        word.length--;
    return word;
}

/** Take what is before the next separator that isn't between quotes. @return false: it is all taken
 */
static bool take(struct word *rest, char separator, struct word *ret_word)
{
    bool is_quoted = false;
    size_t length = 0;
    if (!rest->text)
        return false;
    for (; length < rest->length && (is_quoted || rest->text[length] != separator); length++) {
        if (is_quoted && rest->text[length] == '\\' && length + 1 < rest->length)
            length++;
        else if (rest->text[length] == '"')
            is_quoted = !is_quoted;
    }
    *ret_word = trim((struct word){rest->text, length});
    if (length < rest->length)
        *rest = (struct word){rest->text + length + 1, rest->length - length - 1};
    else
        rest->text = NULL;
    return true;
}

/** @return in thousandths, or -1: it is none */
static int read_weight(struct word word)
{
    int weight, unit = WEIGHT_ONE;
    if (word.length == 0 || (word.text[0] != '0' && word.text[0] != '1') ||
        (word.length > 1 && word.text[1] != '.') || word.length > 5)
        return -1;
    weight = (word.text[0] - '0') * unit;
    for (size_t i = 2; i < word.length; i++) {
        if (word.text[i] < '0' || word.text[i] > '9')
            return -1;
        weight += (word.text[i] - '0') * (unit /= 10);
    }
    return weight <= WEIGHT_ONE ? weight : -1;
}

static struct word unquote(struct word word)
{
    if (word.length >= 2 && word.text[0] == '"' && word.text[word.length - 1] == '"')
        return (struct word){word.text + 1, word.length - 2};
    return word;
}

static void hear(struct opinion *opinion, int precision, int weight)
{
    if (precision > opinion->precision ||
        (precision == opinion->precision && weight > opinion->weight))
        *opinion = (struct opinion){precision, weight};
}

/** One media range; one that can't be read, or names another version, says nothing. */
static void read_range(struct word range, struct opinion *plain, struct opinion *open)
{
    struct word type, parameter, name, version = {NULL, 0};
    int weight = WEIGHT_ONE;
    take(&range, ';', &type);
    while (take(&range, ';', &parameter)) {
        take(&parameter, '=', &name);
        struct word value = {"", 0};
        if (parameter.text)
            value = unquote(trim(parameter));
        if (is_word(name, "q"))
            weight = read_weight(value);
        else if (is_word(name, "version"))
            version = value;
    }
    if (weight < 0)
        return;
    if (is_word(type, "application/openmetrics-text")) {
        if (!version.text || is_word(version, "1.0.0"))
            hear(open, 3, weight);
    } else if (is_word(type, "text/plain")) {
        if (!version.text || is_word(version, "0.0.4"))
            hear(plain, 3, weight);
    } else if (is_word(type, "text/*")) {
        hear(plain, 2, weight);
    } else if (is_word(type, "*/*")) {
        hear(plain, 1, weight);
    }
}

enum metrics_format negotiation_choose(const char *accept)
{
    struct opinion plain = {0, 0}, open = {0, 0};
    struct word rest = {accept, accept ? strlen(accept) : 0}, range;
    while (take(&rest, ',', &range))
        read_range(range, &plain, &open);
    return open.weight > 0 && open.weight >= plain.weight ? METRICS_OPEN : METRICS_PLAIN;
}
