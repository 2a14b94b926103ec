-- A shop with entities, attributes and values: small unsigned keys, values of each type in a table, unique over three columns, decimals (20,4).
CREATE TABLE store_website (website_id smallint(5) unsigned NOT NULL AUTO_INCREMENT, code varchar(32) DEFAULT NULL, is_default smallint(5) unsigned DEFAULT 0,
    PRIMARY KEY (website_id), UNIQUE KEY code (code));
CREATE TABLE store (store_id smallint(5) unsigned NOT NULL AUTO_INCREMENT, code varchar(32) DEFAULT NULL, website_id smallint(5) unsigned NOT NULL DEFAULT 0,
    name varchar(255) NOT NULL, sort_order smallint(5) unsigned NOT NULL DEFAULT 0, PRIMARY KEY (store_id), UNIQUE KEY code (code),
    FOREIGN KEY (website_id) REFERENCES store_website (website_id) ON DELETE CASCADE);
CREATE TABLE eav_attribute (attribute_id smallint(5) unsigned NOT NULL AUTO_INCREMENT, entity_type_id smallint(5) unsigned NOT NULL DEFAULT 0,
    attribute_code varchar(255) NOT NULL, backend_type varchar(8) NOT NULL DEFAULT 'static', is_required smallint(5) unsigned NOT NULL DEFAULT 0,
    PRIMARY KEY (attribute_id), UNIQUE KEY code (entity_type_id, attribute_code));
CREATE TABLE catalog_product_entity (entity_id int(10) unsigned NOT NULL AUTO_INCREMENT, attribute_set_id smallint(5) unsigned NOT NULL DEFAULT 0,
    type_id varchar(32) NOT NULL DEFAULT 'simple', sku varchar(64) NOT NULL, has_options smallint(6) NOT NULL DEFAULT 0,
    created_at timestamp NOT NULL DEFAULT current_timestamp(), updated_at timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
    PRIMARY KEY (entity_id), UNIQUE KEY sku (sku));
CREATE TABLE catalog_product_entity_decimal (value_id int(11) NOT NULL AUTO_INCREMENT, attribute_id smallint(5) unsigned NOT NULL DEFAULT 0,
    store_id smallint(5) unsigned NOT NULL DEFAULT 0, entity_id int(10) unsigned NOT NULL DEFAULT 0, value decimal(20,6) DEFAULT NULL,
    PRIMARY KEY (value_id), UNIQUE KEY one (entity_id, attribute_id, store_id), FOREIGN KEY (attribute_id) REFERENCES eav_attribute (attribute_id),
    FOREIGN KEY (store_id) REFERENCES store (store_id), FOREIGN KEY (entity_id) REFERENCES catalog_product_entity (entity_id));
CREATE TABLE catalog_product_link (link_id int(10) unsigned NOT NULL AUTO_INCREMENT, product_id int(10) unsigned NOT NULL, linked_product_id int(10) unsigned NOT NULL,
    link_type_id smallint(5) unsigned NOT NULL, PRIMARY KEY (link_id), UNIQUE KEY one (link_type_id, product_id, linked_product_id),
    FOREIGN KEY (product_id) REFERENCES catalog_product_entity (entity_id), FOREIGN KEY (linked_product_id) REFERENCES catalog_product_entity (entity_id));
CREATE TABLE customer_entity (entity_id int(10) unsigned NOT NULL AUTO_INCREMENT, website_id smallint(5) unsigned DEFAULT NULL, email varchar(255) DEFAULT NULL,
    dob date DEFAULT NULL, password_hash varchar(128) DEFAULT NULL, gender smallint(5) unsigned DEFAULT NULL, failures_num smallint(6) DEFAULT 0,
    PRIMARY KEY (entity_id), UNIQUE KEY one (email, website_id), FOREIGN KEY (website_id) REFERENCES store_website (website_id) ON DELETE SET NULL);
CREATE TABLE sales_order (entity_id int(10) unsigned NOT NULL AUTO_INCREMENT, state varchar(32) DEFAULT NULL, store_id smallint(5) unsigned DEFAULT NULL,
    customer_id int(10) unsigned DEFAULT NULL, base_grand_total decimal(20,4) DEFAULT NULL, grand_total decimal(20,4) NOT NULL, total_qty decimal(12,4) DEFAULT NULL,
    increment_id varchar(50) DEFAULT NULL, remote_ip varchar(45) DEFAULT NULL, created_at timestamp NOT NULL DEFAULT current_timestamp(),
    PRIMARY KEY (entity_id), UNIQUE KEY one (increment_id, store_id), FOREIGN KEY (store_id) REFERENCES store (store_id),
    FOREIGN KEY (customer_id) REFERENCES customer_entity (entity_id));
CREATE TABLE sales_order_tax (tax_id int(10) unsigned NOT NULL, order_id int(10) unsigned NOT NULL, percent decimal(12,4) DEFAULT NULL CHECK (percent BETWEEN 0 AND 100),
    priority int(11) NOT NULL, PRIMARY KEY (order_id, tax_id), FOREIGN KEY (order_id) REFERENCES sales_order (entity_id));
CREATE TABLE stock (product_id int(10) unsigned NOT NULL, stock_id smallint(5) unsigned NOT NULL, qty decimal(12,4) NOT NULL, is_in_stock tinyint(1) NOT NULL,
    PRIMARY KEY (product_id, stock_id), FOREIGN KEY (product_id) REFERENCES catalog_product_entity (entity_id));
