-- SPDX-License-Identifier: BSD-2-Clause
-- title: Order lines
-- summary: Every line of every order, with the customer. For a whole year these are some 100,000
-- summary: rows.
-- source: shop
-- roles: sales finance
-- timeout: 120s
-- retention: 30min
-- param: since datetime required default=today-30 label="Ordered since"
-- param: until date optional label="Until the day"
-- param: countries choices optional values=(SELECT code, name FROM country ORDER BY name) label="Countries"
-- param: payment choice optional values=card,paypal,invoice,transfer,voucher label="Paid by"
-- param: customer text optional label="Customer's name contains"
-- param: pieces integer optional label="Pieces of at least"
-- param: worth number optional label="Worth at least"
-- column: order_id integer "0" count title="Order"
-- column: ordered_at datetime min title="Ordered"
-- column: customer text title="Customer"
-- column: country text title="Country"
-- column: customer_since date title="Customer since"
-- column: is_company boolean title="Company"
-- column: product text title="Product"
-- column: category text title="Category"
-- column: pieces integer sum title="Pieces"
-- column: price money "#,##0.00" title="Price"
-- column: discount percent "0 %" title="Discount"
-- column: total money "#,##0.00" sum title="Total"
-- column: share number "0.000" title="Part of the order"
-- column: payment text title="Paid by"
-- column: shipping duration average title="Time to ship"
-- column: staff text title="Sold by"
SELECT o.id AS order_id,
       o.ordered_at,
       c.name AS customer,
       country.name AS country,
       c.since AS customer_since,
       c.is_company,
       p.name AS product,
       g.name AS category,
       l.quantity AS pieces,
       l.price_cents / 100.0 AS price,
       o.discount,
       round(l.quantity * l.price_cents * (1 - o.discount) / 100, 2) AS total,
       l.quantity * l.price_cents * 1.0 /
           (SELECT sum(quantity * price_cents) FROM order_line WHERE order_id = o.id) AS share,
       o.payment,
       unixepoch(o.shipped_at) - unixepoch(o.ordered_at) AS shipping,
       s.name AS staff
FROM "order" o
JOIN order_line l ON l.order_id = o.id
JOIN product p ON p.id = l.product_id
JOIN category g ON g.id = p.category_id
JOIN customer c ON c.id = o.customer_id
JOIN country ON country.code = c.country
JOIN staff s ON s.id = o.staff_id
WHERE o.ordered_at >= :since
  AND (:until IS NULL OR o.ordered_at < date(:until, '+1 day'))
  AND (:countries IS NULL OR c.country IN (SELECT value FROM json_each(:countries)))
  AND (:payment IS NULL OR o.payment = :payment)
  AND (:customer IS NULL OR instr(lower(c.name), lower(:customer)) > 0)
  AND (:pieces IS NULL OR l.quantity >= :pieces)
  AND (:worth IS NULL OR l.quantity * l.price_cents >= :worth * 100)
ORDER BY o.ordered_at, l.id
