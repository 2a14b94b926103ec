-- Conditions that are functions of values, keys that are not of columns alone, pairs, and rows that must not overlap.
CREATE TABLE called (
    id int PRIMARY KEY, code text NOT NULL CHECK (code SIMILAR TO '[A-Z]{2}-[0-9]+(x|y)%'), mail text CHECK (position('@' in mail) > 1), ct text CHECK (strpos(ct, '/') > 0),
    key text UNIQUE CHECK (left(key, 3) = 'k1:'), price numeric(12,4) NOT NULL CHECK (price = round(price, 2)), whole numeric(9,3) CHECK (trunc(whole) = whole), dashed text CHECK (dashed LIKE 'a_-%'),
    tag text CHECK (starts_with(tag, 'ab') AND length(tag) <= 6), low int NOT NULL, high int NOT NULL CHECK (high - low < 50), CHECK (low <= high));
CREATE TABLE cased (
    id int PRIMARY KEY, kind text CHECK (kind IN ('card', 'cash', 'bank')), card text, iban text, amount int NOT NULL,
    CHECK (CASE WHEN kind = 'card' THEN card IS NOT NULL WHEN kind = 'bank' THEN iban IS NOT NULL AND card IS NULL ELSE card IS NULL AND iban IS NULL END),
    CHECK (CASE kind WHEN 'cash' THEN amount < 100 ELSE amount >= 100 END), CHECK (CASE WHEN card IS NULL THEN 0 ELSE 1 END + CASE WHEN iban IS NULL THEN 0 ELSE 1 END <= 1));
CREATE TABLE made (
    id int PRIMARY KEY, first text NOT NULL, last text NOT NULL, whole text GENERATED ALWAYS AS (first || ' ' || last) STORED UNIQUE, n int NOT NULL,
    twice int GENERATED ALWAYS AS (n * 2) STORED, a int NOT NULL, b int NOT NULL, UNIQUE (twice), UNIQUE (b, twice));
CREATE TABLE room (id int PRIMARY KEY);
CREATE TABLE booked (
    id int PRIMARY KEY, room int NOT NULL REFERENCES room, begins timestamptz NOT NULL, ends timestamptz, CHECK (ends > begins), EXCLUDE USING gist (tstzrange(begins, ends) WITH &&),
    from_day date NOT NULL, to_day date NOT NULL, a int, b text, EXCLUDE (a WITH =, b WITH =));
CREATE TABLE days (id int PRIMARY KEY, from_day date, to_day date, EXCLUDE USING gist (daterange(from_day, to_day, '[)') WITH &&) WHERE (id > 0));
CREATE TABLE pair (a int NOT NULL REFERENCES room, b int NOT NULL REFERENCES room, since date, PRIMARY KEY (a, b), CHECK (a < b));
CREATE TABLE near (a int NOT NULL REFERENCES room, b int NOT NULL REFERENCES room, CHECK (a <> b), UNIQUE (a, b));
CREATE TABLE owner (org int NOT NULL, no int NOT NULL, PRIMARY KEY (org, no), FOREIGN KEY (org) REFERENCES room (id));
CREATE TABLE badge (org int, no int, issued date NOT NULL, PRIMARY KEY (org, no), FOREIGN KEY (org, no) REFERENCES owner);
CREATE TABLE summed (
    a int NOT NULL, b int, total int GENERATED ALWAYS AS (a + b * 2 - 7) STORED UNIQUE, n int NOT NULL DEFAULT 5, tenth int GENERATED ALWAYS AS (n / 10) STORED);
CREATE TABLE priced (
    id serial PRIMARY KEY, price numeric(10,2) NOT NULL, quantity int NOT NULL, sum numeric(14,2) GENERATED ALWAYS AS (price * quantity) STORED UNIQUE,
    width int NOT NULL, height int NOT NULL, area int GENERATED ALWAYS AS (width * height) STORED);
CREATE TABLE tens (n int NOT NULL, tenth int GENERATED ALWAYS AS (n / 10) STORED UNIQUE);
CREATE TABLE days_on (begins date NOT NULL, days int NOT NULL, ends date GENERATED ALWAYS AS (begins + days) STORED UNIQUE);
CREATE TABLE placed (room int NOT NULL REFERENCES room, no int NOT NULL DEFAULT 1, code int GENERATED ALWAYS AS (room * 1000 + no) STORED UNIQUE);
