-- SPDX-License-Identifier: BSD-2-Clause
-- title: My weeks
-- summary: Where the weeks of a quarter went: meetings, focus, after hours, from your own calendar.
-- summary: Only you can see this report.
-- source: calendar
-- timeout: 60s
-- retention: 15min
-- param: from date required default=month-start-3 label="From"
-- param: to date required default=month-end-1 label="Until"
-- param: zone text optional label="Time zone, such as Europe/Berlin"
-- column: week date title="Week from"
-- column: meetings number "0.0" sum title="Hours in meetings"
-- column: one_off number "0.0" sum title="One-off"
-- column: recurring number "0.0" sum title="Recurring"
-- column: conflict number "0.0" sum title="In two at once"
-- column: after_hours number "0.0" sum title="After hours"
-- column: focusable number "0.0" sum title="Room for focus"
-- column: fragmented number "0.0" sum title="Free in pieces"
-- chart: stacked x=week y=one_off,recurring
SELECT date(date, '-6 days', 'weekday 1') AS week, sum(meeting_hours) AS meetings,
       sum(one_off_hours) AS one_off, sum(recurring_hours) AS recurring,
       sum(conflict_hours) AS conflict, sum(after_hours) AS after_hours,
       sum(focusable_hours) AS focusable, sum(fragmented_hours) AS fragmented
FROM days
GROUP BY week
ORDER BY week
