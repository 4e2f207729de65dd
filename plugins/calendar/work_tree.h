/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for the thread pool. talloc trees are not for sharing between threads, so work gets a
 * root of its own that yet goes when its owner goes.
 */
#ifndef CALENDAR_WORK_TREE_H
#define CALENDAR_WORK_TREE_H

#include <talloc.h>

/**
 * A talloc root that no other thread walks into, freed together with owner.
 * @return NULL without memory
 */
TALLOC_CTX *kt_work_tree(TALLOC_CTX *owner);

#endif
