/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What other plugins may ask of the reports: a server with this name in each worker (kt_whereis).
 * This header is all that another plugin includes. The call REPORTS_FORGET has the JSON {"user"}:
 * of the reports of this person's own calendar that were ordered before none is left, none is being
 * made. The reply's type says how it went; it has no data.
 */
#ifndef REPORTS_FORGET_H
#define REPORTS_FORGET_H

#define REPORTS_FORGET_SERVER "reports.forget"

#define REPORTS_FORGET 1u

enum {
    REPORTS_FORGET_DONE = 1,
    REPORTS_FORGET_LATER, /**< not everything; asking again may help */
};

struct kt_plugin;

/** Start the server. @return as kt_plugin_child */
int forget_start(struct kt_plugin *plugin);

/** Cancel and delete a job. @return 0, also when there is none, or a negative errno. Parks. */
int forget_job(const char *realm, const char *id);

#endif
