-- what MariaDB can hold and few expect
CREATE TABLE `Select` (`From` int PRIMARY KEY AUTO_INCREMENT, `wh``ere` varchar(20) CHARACTER SET latin1 COLLATE latin1_german1_ci NOT NULL UNIQUE, `a.b` tinytext, `größe` decimal(30,10), `%` float(7,2)) COMMENT = 'it''s odd';
CREATE TABLE bits (id bigint unsigned NOT NULL PRIMARY KEY, b bit(1) NOT NULL, c bit(64), d bit(7) NOT NULL DEFAULT b'101', y year NOT NULL, z tinyint(1), zz int(5) unsigned zerofill,
    s set('a','b c','d''e') NOT NULL, e enum('x','','y z') NOT NULL, t time(6), dt datetime(3) NOT NULL DEFAULT current_timestamp(3) ON UPDATE current_timestamp(3), ts timestamp NOT NULL DEFAULT current_timestamp());
CREATE TABLE places (id int PRIMARY KEY, g geometry NOT NULL, p point NOT NULL, l linestring, po polygon, mp multipoint NOT NULL, ml multilinestring NOT NULL, mo multipolygon NOT NULL, gc geometrycollection NOT NULL, SPATIAL INDEX (g));
CREATE TABLE hidden (id int PRIMARY KEY, seen int NOT NULL, unseen int INVISIBLE, secret int NOT NULL INVISIBLE DEFAULT 5, twice int AS (seen * 2) VIRTUAL, thrice int AS (seen * 3) STORED);
CREATE TABLE kept (id int PRIMARY KEY, v varchar(10)) WITH SYSTEM VERSIONING;
CREATE TABLE kept_own (id int PRIMARY KEY, v int, s timestamp(6) GENERATED ALWAYS AS ROW START, e timestamp(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING;
CREATE TABLE period (id int PRIMARY KEY, f date, t date, PERIOD FOR app (f, t));
CREATE TABLE blobs (id binary(16) PRIMARY KEY, v varbinary(20), b longblob, j json, u uuid, i inet6, x longtext CHECK (length(x) < 1000));
CREATE TABLE part_of (a int NOT NULL, b int NOT NULL, pa int, pb int, PRIMARY KEY (a, b), FOREIGN KEY (pa, pb) REFERENCES part_of (a, b));
CREATE TABLE hen (id int PRIMARY KEY, egg int);
CREATE TABLE egg (id int PRIMARY KEY, hen int, FOREIGN KEY (hen) REFERENCES hen (id));
ALTER TABLE hen ADD FOREIGN KEY (egg) REFERENCES egg (id);
CREATE TABLE cut (id int NOT NULL, d date NOT NULL, PRIMARY KEY (id, d)) PARTITION BY RANGE (to_days(d)) (PARTITION p0 VALUES LESS THAN (to_days('2024-01-01')), PARTITION p1 VALUES LESS THAN MAXVALUE);
CREATE TABLE prefixed (id int PRIMARY KEY, t text NOT NULL, n varchar(200) NOT NULL, UNIQUE (t(100)), UNIQUE (n(50)), FULLTEXT (t));
CREATE TABLE guarded (id int PRIMARY KEY, a int NOT NULL CHECK (a > 5), b int CHECK (b < a), c varchar(10) DEFAULT (concat('x', 'y')), CONSTRAINT `odd, one` CHECK (sqrt(a) < 100000 OR c IS NOT NULL));
CREATE VIEW a_view AS SELECT id FROM hen;
CREATE SEQUENCE counter START WITH 100 INCREMENT BY 10;
CREATE TABLE from_sequence (id int NOT NULL DEFAULT nextval(counter) PRIMARY KEY, v int);
CREATE TABLE demanding (id int PRIMARY KEY, code char(3) NOT NULL CHECK (code = upper(code)), phone varchar(20) NOT NULL CHECK (phone REGEXP '^[0-9]{7,15}$'), quantity int NOT NULL, price int NOT NULL, total int NOT NULL, CHECK (total = quantity * price));
