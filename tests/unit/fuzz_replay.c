/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: input that once broke a parser, or its samples, would break it again. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/** The largest sample that is read. */
#define SAMPLE_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(void)
{
    static uint8_t data[SAMPLE_MAX];
    char path[4096];
    int count = 0;
    DIR *folder = opendir(KT_FUZZ_SAMPLES);
    if (!folder) {
        perror(KT_FUZZ_SAMPLES);
        return EXIT_FAILURE;
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", KT_FUZZ_SAMPLES, entry->d_name);
        FILE *file = fopen(path, "rb");
        if (!file) {
            perror(path);
            return EXIT_FAILURE;
        }
        size_t size = fread(data, 1, sizeof(data), file);
        fclose(file);
        /* In a block of its own size, so that a sanitizer sees a read behind the end. */
        uint8_t *exact = malloc(size ? size : 1);
        if (!exact)
            return EXIT_FAILURE;
        for (size_t i = 0; i < size; i++)
            exact[i] = data[i];
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
        count++;
    }
    closedir(folder);
    printf("%d samples\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
