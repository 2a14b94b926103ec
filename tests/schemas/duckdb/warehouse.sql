-- A star: dimensions with surrogate keys, a date dimension, enumerations, hugeints, decimals, generated columns.
CREATE TYPE season AS ENUM ('spring', 'summer', 'autumn', 'winter');
CREATE SEQUENCE seq_sale START 100;
CREATE TABLE dim_date (date_key INTEGER PRIMARY KEY, full_date DATE NOT NULL UNIQUE, year SMALLINT NOT NULL, month TINYINT NOT NULL CHECK (month BETWEEN 1 AND 12), day UTINYINT NOT NULL CHECK (day >= 1 AND day <= 31), season season NOT NULL, is_holiday BOOLEAN NOT NULL DEFAULT false);
CREATE TABLE dim_customer (customer_key BIGINT PRIMARY KEY, customer_id VARCHAR NOT NULL, name VARCHAR NOT NULL, segment VARCHAR CHECK (segment IN ('Consumer', 'Corporate')), valid_from TIMESTAMP NOT NULL, valid_to TIMESTAMP, is_current BOOLEAN NOT NULL, UNIQUE (customer_id, valid_from), CHECK (valid_to > valid_from));
CREATE TABLE dim_product (product_key UINTEGER PRIMARY KEY, sku VARCHAR UNIQUE NOT NULL, price DECIMAL(18,4) NOT NULL CHECK (price > 0), cost DECIMAL(18,4) NOT NULL, margin DECIMAL(18,4) AS (price - cost), CHECK (cost < price));
CREATE TABLE fact_sale (sale_id BIGINT DEFAULT nextval('seq_sale') PRIMARY KEY, date_key INTEGER NOT NULL REFERENCES dim_date, customer_key BIGINT NOT NULL REFERENCES dim_customer, product_key UINTEGER NOT NULL REFERENCES dim_product, quantity INTEGER NOT NULL CHECK (quantity > 0), unit_price DECIMAL(9,2) NOT NULL, amount DECIMAL(18,2) NOT NULL, discount DOUBLE CHECK (discount >= 0 AND discount < 1), CHECK (amount = quantity * unit_price));
CREATE TABLE agg (year SMALLINT, month TINYINT, product_key UINTEGER, total HUGEINT, share REAL, PRIMARY KEY (year, month, product_key));
CREATE VIEW v AS SELECT * FROM fact_sale;
