/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a broken configuration could crash kontord where it should say what is wrong. */
#include "config.h"

#include "plugin/option.h"
#include "worker/settings.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct kt_option options[] = {
    {.name = "text", .type = KT_OPTION_STRING, .required = true},
    {.name = "count", .type = KT_OPTION_INTEGER, .minimum = -9, .maximum = 9},
    {.name = "size", .type = KT_OPTION_SIZE},
    {.name = "wait", .type = KT_OPTION_DURATION, .default_value = "1s"},
    {.name = "flag", .type = KT_OPTION_BOOLEAN},
    {.name = "colour", .type = KT_OPTION_CHOICE, .choices = "red green"},
    {.name = NULL},
};

/** What was read has no line breaks, and places that belong to it. */
static void check_entries(const struct kt_config *config)
{
    for (unsigned i = 0; i < config->count; i++) {
        const struct kt_config_section *section = &config->sections[i];
        for (unsigned j = 0; j < section->count; j++)
            if (strpbrk(section->entries[j].value, "\r\n") != NULL ||
                strncmp(section->entries[j].place, config->path, strlen(config->path)) != 0)
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_problems *problems = kt_problems_new(memory);
    struct kt_config *config = NULL;
    struct kt_settings *settings = NULL;
    struct kt_section *section = NULL;
    int fd = memfd_create("configuration", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int result = kt_config_read(memory, path, problems, &config);
    if ((result == 0) != (kt_problems_count(problems) == 0) || config == NULL)
        abort();
    check_entries(config);
    kt_settings_check(memory, config, problems, &settings);
    kt_section_check(memory, "plugin", options, config, problems, &section);
    if (settings == NULL || section == NULL || settings->workers == 0)
        abort();
    close(fd);
    talloc_free(memory);
    return 0;
}
