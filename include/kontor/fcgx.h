/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FCGX stream API of libfcgi, as kontor's requests offer it. Reading, writing and parameters
 * work as documented in <fcgiapp.h>; a read or write that has to wait parks the process. The
 * names poisoned below reach into libfcgi's private data or the whole OS process: with kontor they
 * could only go wrong, so a plugin that uses one does not compile.
 */
#ifndef KONTOR_FCGX_H
#define KONTOR_FCGX_H

#include <fcgiapp.h>

#ifndef KT_FCGX_UNPOISONED
#pragma GCC poison FCGX_Accept FCGX_Accept_r FCGX_Attach FCGX_CreateWriter FCGX_Detach FCGX_Finish
#pragma GCC poison FCGX_Finish_r FCGX_Free FCGX_FreeStream FCGX_Init FCGX_InitRequest FCGX_IsCGI
#pragma GCC poison FCGX_OpenSocket FCGX_SetExitStatus FCGX_ShutdownPending FCGX_StartFilterData
#endif

#endif
