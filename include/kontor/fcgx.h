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
#include <kontor/error.h>

#ifndef KT_FCGX_UNPOISONED
#pragma GCC poison FCGX_Accept FCGX_Accept_r FCGX_Attach FCGX_CreateWriter FCGX_Detach FCGX_Finish
#pragma GCC poison FCGX_Finish_r FCGX_Free FCGX_FreeStream FCGX_Init FCGX_InitRequest FCGX_IsCGI
#pragma GCC poison FCGX_OpenSocket FCGX_SetExitStatus FCGX_ShutdownPending
#endif

/**
 * FCGX_StartFilterData for kontor's streams: in a filter's request, when all of the body has been
 * read, go on with the file that is to be filtered (FCGI_DATA).
 * @return 0, or -1 with FCGX_GetError: FCGX_CALL_SEQ_ERROR when the body was not read to its end or
 *         it is no filter's request, else why the body broke off
 * Parks.
 */
KT_PUBLIC int kt_fcgx_start_filter_data(FCGX_Stream *in);
#define FCGX_StartFilterData kt_fcgx_start_filter_data

#endif
