-- Partitions of every kind, keys that contain what they are by, virtual columns in them; spatial columns; sequences; versioned rows.
CREATE TABLE log_range (id bigint NOT NULL AUTO_INCREMENT, at date NOT NULL, msg text, PRIMARY KEY (id, at)) PARTITION BY RANGE (to_days(at)) (
    PARTITION p2023 VALUES LESS THAN (to_days('2024-01-01')), PARTITION p2024 VALUES LESS THAN (to_days('2025-01-01')));
CREATE TABLE log_columns (id int NOT NULL, region varchar(10) NOT NULL, at datetime NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE COLUMNS (at) (
    PARTITION a VALUES LESS THAN ('2024-06-01'), PARTITION b VALUES LESS THAN ('2025-06-01'));
CREATE TABLE by_list (id int NOT NULL, kind int NOT NULL, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind) (PARTITION odd VALUES IN (1, 3, 5), PARTITION even VALUES IN (2, 4, 6));
CREATE TABLE by_hash (id int NOT NULL PRIMARY KEY, v varchar(10)) PARTITION BY HASH (id) PARTITIONS 4;
CREATE TABLE by_key (id char(36) NOT NULL PRIMARY KEY, v int) PARTITION BY KEY () PARTITIONS 3;
CREATE TABLE by_year (id int NOT NULL, y int NOT NULL, q int NOT NULL CHECK (q BETWEEN 1 AND 4), PRIMARY KEY (id, y)) PARTITION BY RANGE (y) SUBPARTITION BY HASH (id) SUBPARTITIONS 2 (
    PARTITION a VALUES LESS THAN (2000), PARTITION b VALUES LESS THAN (2010), PARTITION c VALUES LESS THAN MAXVALUE);
CREATE TABLE by_list_columns (id int NOT NULL, c varchar(20) NOT NULL, PRIMARY KEY (id, c)) PARTITION BY LIST COLUMNS (c) (PARTITION eu VALUES IN ('de', 'fr'), PARTITION am VALUES IN ('us', 'br'));
CREATE TABLE shapes (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, g geometry DEFAULT NULL, p point DEFAULT NULL, l linestring, a polygon, m multipoint, gc geometrycollection);
CREATE TABLE period (id int NOT NULL, from_day date NOT NULL, to_day date NOT NULL, PERIOD FOR valid (from_day, to_day), PRIMARY KEY (id, valid WITHOUT OVERLAPS));
CREATE TABLE kept (id int NOT NULL PRIMARY KEY, v varchar(20) NOT NULL) WITH SYSTEM VERSIONING;
CREATE TABLE prefixed (id int NOT NULL AUTO_INCREMENT, body text NOT NULL, url varchar(1000) NOT NULL, k varbinary(500) NOT NULL, PRIMARY KEY (id), UNIQUE (body(10)), UNIQUE (url(12)), UNIQUE (k(8)));
