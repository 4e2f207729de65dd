/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a memory file to the client: a worker's memory does not grow with what is downloaded, and
 * nothing of it gets near a disk.
 */
#include "download.h"

#include "access.h"
#include "range.h"

#include <errno.h>
#include <inttypes.h>
#include <kontor/log.h>
#include <stdio.h>
#include <string.h>

/** A ready job with its result. */
struct result {
    struct access_job found;
    struct outcome outcome;
    struct kt_memory_file *file;
};

/** Find the result that a request is for. @return false: it is answered */
static bool open_result(struct kt_request *request, struct result *result)
{
    const struct kt_job *job = &result->found.job;
    if (!access_job(request, &result->found))
        return false;
    if (job->state == KT_JOB_EXPIRED) {
        kt_respond_problem(request, 410, "This report's time was over; please make it again.");
        return false;
    }
    if (job->state != KT_JOB_READY || outcome_read(job->result, &result->outcome) < 0) {
        kt_respond_problem(request, 404, "This report is %s.", kt_job_state_name(job->state));
        return false;
    }
    int status = kt_job_file(job->realm, job->id, &result->file);
    if (status == -ENOENT) {
        kt_respond_problem(request, 410, "This report is not kept any more; please make it again.");
        return false;
    }
    if (status < 0) {
        kt_response_header(request, "Retry-After", ACCESS_RETRY_AFTER_S);
        kt_respond_problem(request, 503, "The result can't be had now; please try again.");
        return false;
    }
    if (result->outcome.file_bytes + result->outcome.preview_bytes != result->file->size_bytes) {
        kt_respond_problem(request, 500, "The result is not what the job said.");
        return false;
    }
    return true;
}

/** What describes the file that follows. */
static void add_file_headers(struct kt_request *request, const struct result *result)
{
    const struct definition *definition = result->found.definition;
    char *disposition = kt_must(
        talloc_asprintf(kt_self_memory(), "attachment; filename=\"%s.%s\"; filename*=UTF-8''%s.%s",
                        definition->name, report_file_kinds[result->outcome.file].name,
                        definition->name, report_file_kinds[result->outcome.file].name));
    kt_response_header(request, "Content-Disposition", disposition);
    kt_response_header(request, "Accept-Ranges", "bytes");
    kt_response_header(request, "X-Content-Type-Options", "nosniff");
    /* nginx would put what it can't send at once into a file */
    kt_response_header(request, "X-Accel-Buffering", "no");
}

void download_file(struct kt_request *request)
{
    struct result result = {0};
    struct range range;
    char etag[sizeof result.outcome.etag + 2], content_range[96];
    if (!open_result(request, &result))
        return;
    const struct outcome *outcome = &result.outcome;
    snprintf(etag, sizeof etag, "\"%s\"", outcome->etag);
    bool is_head = strcmp(kt_request_method(request), "HEAD") == 0;
    kt_response_header(request, "ETag", etag);
    kt_response_header(request, "Cache-Control", "private, no-store");
    if (etag_is_among(kt_request_header(request, "If-None-Match"), etag)) {
        kt_respond(request, 304, NULL, NULL, 0);
        return;
    }
    /* a range is of GET only (RFC 9110, 14.2) */
    int status =
        range_read(is_head ? NULL : kt_request_header(request, "Range"),
                   kt_request_header(request, "If-Range"), etag, outcome->file_bytes, &range);
    if (status == 416) {
        snprintf(content_range, sizeof content_range, "bytes */%" PRIu64, outcome->file_bytes);
        kt_response_header(request, "Content-Range", content_range);
        kt_respond_problem(request, 416, "There are only %" PRIu64 " bytes.", outcome->file_bytes);
        return;
    }
    if (status == 206) {
        snprintf(content_range, sizeof content_range, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
                 range.first, range.first + range.count - 1, outcome->file_bytes);
        kt_response_header(request, "Content-Range", content_range);
    }
    add_file_headers(request, &result);
    kt_request_deadline(request, -1); /* as long as it takes; who takes nothing is cut off */
    if (!is_head)
        kt_log_info("report %s downloaded by %s: %" PRIu64 " rows, %" PRIu64 " bytes",
                    result.found.job.id, access_name(request), outcome->rows, range.count);
    int written = kt_response_begin(request, status, report_file_kinds[outcome->file].media_type,
                                    (int64_t)range.count);
    if (written == 0)
        written = kt_response_file(request, result.file, range.first, range.count);
    if (written < 0 && written != -EPIPE)
        kt_fail("the download of %s broke off: %s", result.found.job.id, strerror(-written));
}

void download_preview(struct kt_request *request)
{
    struct result result = {0};
    if (!open_result(request, &result))
        return;
    kt_response_header(request, "Cache-Control", "private, no-store");
    kt_response_header(request, "X-Accel-Buffering", "no");
    int written =
        kt_response_begin(request, 200, "application/json", (int64_t)result.outcome.preview_bytes);
    if (written == 0)
        written = kt_response_file(request, result.file, result.outcome.file_bytes,
                                   result.outcome.preview_bytes);
    if (written < 0 && written != -EPIPE)
        kt_fail("the preview of %s broke off: %s", result.found.job.id, strerror(-written));
}
