-- SPDX-License-Identifier: BSD-2-Clause
-- title: Ways of payment
-- summary: How orders are paid, and how long each takes to be shipped.
-- source: shop
-- param: from datetime required default=month-start-2 label="From"
-- param: to datetime required default=now label="To"
-- column: payment text title="Paid by"
-- column: orders integer sum title="Orders"
-- column: share percent "0.0 %" sum title="Share of the orders"
-- column: total money "#,##0.00" sum title="Turnover"
-- column: shipping duration average title="Time to ship"
-- column: latest datetime max title="Latest order"
-- chart: pie x=payment y=total
WITH paid AS (
    SELECT o.payment, o.ordered_at, unixepoch(o.shipped_at) - unixepoch(o.ordered_at) AS shipping,
           (SELECT sum(quantity * price_cents) FROM order_line WHERE order_id = o.id) *
               (1 - o.discount) / 100 AS amount
    FROM "order" o
    WHERE o.ordered_at >= :from AND o.ordered_at <= :to
)
SELECT payment,
       count(*) AS orders,
       count(*) * 1.0 / sum(count(*)) OVER () AS share,
       round(sum(amount), 2) AS total,
       avg(shipping) AS shipping,
       max(ordered_at) AS latest
FROM paid
GROUP BY payment
ORDER BY total DESC
