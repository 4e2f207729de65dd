/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cJSON's memory: what a process parses or builds belongs to that process and goes with it. The
 * hooks are set when the library is loaded, before anybody can own a cJSON object.
 */
#include "http/json.h"

#include <cjson/cJSON.h>
#include <kontor/process.h>

static void *json_allocate(size_t size)
{
    /* On other threads there is no process: the chunk has no parent then. */
    return talloc_named_const(kt_self_memory(), size, "json");
}

static void json_free(void *chunk)
{
    talloc_free(chunk);
}

__attribute__((constructor)) void kt_json_start(void)
{
    cJSON_Hooks hooks = {.malloc_fn = json_allocate, .free_fn = json_free};
    cJSON_InitHooks(&hooks);
}
