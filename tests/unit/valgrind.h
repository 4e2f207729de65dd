/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a test runs under Valgrind, where each step takes thirty times as long. */
#ifndef TEST_VALGRIND_H
#define TEST_VALGRIND_H

#include "config.h"

#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#endif
