-- SPDX-License-Identifier: BSD-2-Clause
-- title: Sales by country
-- summary: Turnover of each country, divided by what was sold.
-- source: shop
-- param: from date required default=month-start-11 label="From"
-- param: to date required default=month-end label="To"
-- param: customers text optional values=companies,people label="Customers"
-- column: country text title="Country"
-- column: coffee money "#,##0.00" sum title="Coffee"
-- column: tea money "#,##0.00" sum title="Tea"
-- column: machines money "#,##0.00" sum title="Machines"
-- column: tableware money "#,##0.00" sum title="Tableware"
-- column: books money "#,##0.00" sum title="Books"
-- column: total money "#,##0.00" sum title="Together"
-- column: share percent "0.0 %" sum title="Share"
-- chart: stacked x=country y=coffee,tea,machines,tableware,books
WITH sold AS (
    SELECT c.country, g.name AS category,
           l.quantity * l.price_cents * (1 - o.discount) / 100 AS amount
    FROM "order" o
    JOIN customer c ON c.id = o.customer_id
    JOIN order_line l ON l.order_id = o.id
    JOIN product p ON p.id = l.product_id
    JOIN category g ON g.id = p.category_id
    WHERE o.ordered_at >= :from
      AND o.ordered_at < date(:to, '+1 day')
      AND (:customers IS NULL OR c.is_company = (:customers = 'companies'))
)
SELECT country.name AS country,
       round(coalesce(sum(amount) FILTER (WHERE category = 'Coffee'), 0), 2) AS coffee,
       round(coalesce(sum(amount) FILTER (WHERE category = 'Tea'), 0), 2) AS tea,
       round(coalesce(sum(amount) FILTER (WHERE category = 'Machines'), 0), 2) AS machines,
       round(coalesce(sum(amount) FILTER (WHERE category = 'Tableware'), 0), 2) AS tableware,
       round(coalesce(sum(amount) FILTER (WHERE category = 'Books'), 0), 2) AS books,
       round(sum(amount), 2) AS total,
       sum(amount) / sum(sum(amount)) OVER () AS share
FROM sold
JOIN country ON country.code = sold.country
GROUP BY country.name
ORDER BY total DESC
