-- SPDX-License-Identifier: BSD-2-Clause
-- title: Sales by day
-- summary: Orders and turnover of each day, and what an order was worth.
-- source: shop
-- timeout: 60s
-- retention: 30min
-- param: from date required default=today-30 label="From"
-- param: to date required default=today label="To"
-- param: country choice optional values=(SELECT code, name FROM country ORDER BY name) label="Country"
-- column: day date title="Day"
-- column: orders integer sum title="Orders"
-- column: items integer sum title="Items"
-- column: total money "#,##0.00" sum title="Turnover"
-- column: per_order money "#,##0.00" average title="Per order"
-- chart: line x=day y=total
SELECT date(o.ordered_at) AS day,
       count(DISTINCT o.id) AS orders,
       sum(l.quantity) AS items,
       round(sum(l.quantity * l.price_cents * (1 - o.discount)) / 100, 2) AS total,
       round(sum(l.quantity * l.price_cents * (1 - o.discount)) / 100 / count(DISTINCT o.id), 2)
           AS per_order
FROM "order" o
JOIN order_line l ON l.order_id = o.id
JOIN customer c ON c.id = o.customer_id
WHERE o.ordered_at >= :from
  AND o.ordered_at < date(:to, '+1 day')
  AND (:country IS NULL OR c.country = :country)
GROUP BY day
ORDER BY day
