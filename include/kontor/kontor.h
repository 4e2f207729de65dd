/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything a plugin needs. */
#ifndef KONTOR_KONTOR_H
#define KONTOR_KONTOR_H

#include <kontor/error.h>
#include <kontor/http.h>
#include <kontor/job.h>
#include <kontor/log.h>
#include <kontor/memory_file.h>
#include <kontor/observe.h>
#include <kontor/option.h>
#include <kontor/plugin.h>
#include <kontor/process.h>
#include <kontor/registry.h>
#include <kontor/request.h>
#include <kontor/server.h>
#include <kontor/store.h>
#include <kontor/supervisor.h>

#endif
