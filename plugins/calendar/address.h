/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * E-mail addresses as names of people, and which of them may sign in. Pure: knows no requests, no
 * options and no store.
 */
#ifndef CALENDAR_ADDRESS_H
#define CALENDAR_ADDRESS_H

#include <stdbool.h>

/** Bytes of the longest address (RFC 5321, 4.5.3.1, and its errata) and its NUL. */
#define KT_ADDRESS_SIZE 255

/**
 * An address as a person types it, as the name of a user: without blanks around it, in lower case.
 * Only what needs no quoting: ASCII, one "@", a domain of letters, digits, "-" and ".".
 * @return 0 or -EINVAL
 */
int kt_address_normalise(const char *text, char ret_address[KT_ADDRESS_SIZE]);

/**
 * Whether everybody may sign in.
 * @param domains  in lower case, ended by NULL; none, or one of them "*": everybody
 */
bool kt_domains_are_open(const char *const *domains);

/** Whether who has this (normalised) address may sign in: its domain is one of these, exactly. */
bool kt_domains_have(const char *const *domains, const char *address);

#endif
