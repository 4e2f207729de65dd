/* SPDX-License-Identifier: BSD-2-Clause */
/* What this worker uses, as the kernel knows it. */
#ifndef MICROSERVERS_USAGE_H
#define MICROSERVERS_USAGE_H

#include <stdint.h>

/** Processor time of all its threads since its start, in microseconds. */
uint64_t usage_cpu_us(void);

/** What of it is in RAM, with what it shares; 0 when the kernel doesn't tell. */
uint64_t usage_memory_bytes(void);

#endif
