-- SPDX-License-Identifier: BSD-2-Clause
-- title: Best products
-- summary: What brings the most money, with the number of pieces and customers.
-- source: shop
-- param: from date required default=year-start label="From"
-- param: to date required default=today label="To"
-- param: categories choices optional values=(SELECT name FROM category ORDER BY name) label="Categories"
-- param: top integer required default=20 label="How many products"
-- param: least number optional label="Price of at least"
-- column: product text title="Product"
-- column: category text title="Category"
-- column: price money "#,##0.00" title="Price"
-- column: pieces integer sum title="Pieces"
-- column: customers integer max title="Customers"
-- column: total money "#,##0.00" sum title="Turnover"
-- chart: bar x=product y=total
SELECT p.name AS product,
       g.name AS category,
       p.price_cents / 100.0 AS price,
       sum(l.quantity) AS pieces,
       count(DISTINCT o.customer_id) AS customers,
       round(sum(l.quantity * l.price_cents * (1 - o.discount)) / 100, 2) AS total
FROM "order" o
JOIN order_line l ON l.order_id = o.id
JOIN product p ON p.id = l.product_id
JOIN category g ON g.id = p.category_id
WHERE o.ordered_at >= :from
  AND o.ordered_at < date(:to, '+1 day')
  AND (:categories IS NULL OR g.name IN (SELECT value FROM json_each(:categories)))
  AND (:least IS NULL OR p.price_cents >= :least * 100)
GROUP BY p.id
ORDER BY total DESC
LIMIT :top
