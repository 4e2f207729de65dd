/* SPDX-License-Identifier: BSD-2-Clause */
/* A small holder in the owner's tree keeps the separate root and frees it in its destructor. */
#include "work_tree.h"

struct holder {
    TALLOC_CTX *root;
};

static int holder_destroy(struct holder *holder)
{
    talloc_free(holder->root);
    return 0;
}

TALLOC_CTX *kt_work_tree(TALLOC_CTX *owner)
{
    struct holder *holder = talloc_zero(owner, struct holder);

    if (!holder)
        return NULL;
    holder->root = talloc_new(NULL);
    if (!holder->root) {
        talloc_free(holder);
        return NULL;
    }
    talloc_set_destructor(holder, holder_destroy);
    return holder->root;
}
