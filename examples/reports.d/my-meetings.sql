-- SPDX-License-Identifier: BSD-2-Clause
-- title: My meetings
-- summary: Each meeting of a quarter, or of any days up to a year, from your own calendar.
-- summary: Only you can see this report.
-- source: calendar
-- timeout: 60s
-- retention: 15min
-- param: from date required default=month-start-3 label="From"
-- param: to date required default=month-end-1 label="Until"
-- param: zone text optional label="Time zone, such as Europe/Berlin"
-- param: title text optional label="Title contains"
-- column: day date title="Day"
-- column: begins datetime "hh:mm" title="Begins"
-- column: ends datetime "hh:mm" title="Ends"
-- column: hours number "0.00" sum title="Hours"
-- column: title text title="Title"
-- column: series text title="Repeats"
-- column: size text title="Size"
-- column: organiser text title="Called by"
-- column: people integer title="People"
-- column: names text title="With"
-- column: calendar text title="Calendar"
SELECT date AS day, start AS begins, "end" AS ends, hours, title, series,
       replace(size, '_', '-') AS size,
       CASE mine WHEN 'yes' THEN 'me' ELSE organiser END AS organiser, people, names,
       calendar
FROM events
WHERE kind IN ('one_off', 'recurring')
  AND (:title IS NULL OR title LIKE '%' || :title || '%')
ORDER BY begins
