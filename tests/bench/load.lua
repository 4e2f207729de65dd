-- SPDX-License-Identifier: BSD-2-Clause
-- What wrk sends, and its result as one line of JSON. The argument, if any, is a body to POST.

function init(arguments)
    if arguments[1] then
        wrk.method = "POST"
        wrk.body = arguments[1]
        wrk.headers["Content-Type"] = "application/json"
    end
end

function done(summary, latency)
    local errors = summary.errors
    print(string.format(
        '{"requests": %d, "seconds": %.6f, "refused": %d, "failed": %d, "p50_ms": %.3f, ' ..
        '"p99_ms": %.3f}',
        summary.requests, summary.duration / 1e6, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
