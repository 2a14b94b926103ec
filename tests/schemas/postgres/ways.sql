-- conditions with several ways open, conditions on parts of values, and on what references bring along
CREATE TABLE card (id int PRIMARY KEY, region char(2) NOT NULL, code int CHECK (code BETWEEN 10 AND 99), UNIQUE (region, code), UNIQUE (id));
CREATE TABLE bank (id int PRIMARY KEY);
CREATE TABLE payment (id int PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('card', 'bank', 'cash')), card_id int REFERENCES card, bank_id int REFERENCES bank, paid_at timestamptz, note varchar(40) UNIQUE,
    CHECK (kind = 'card' AND card_id IS NOT NULL AND bank_id IS NULL OR kind = 'bank' AND bank_id IS NOT NULL AND card_id IS NULL OR kind = 'cash' AND card_id IS NULL AND bank_id IS NULL AND note IS NULL));
CREATE TABLE task (id int PRIMARY KEY, state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done')), done_at timestamptz, reason text, CHECK ((state = 'done') = (done_at IS NOT NULL)), CHECK (NOT (state = 'open' AND reason IS NOT NULL)));
CREATE TABLE target (id int PRIMARY KEY, card_id int REFERENCES card, bank_id int REFERENCES bank, other_id int REFERENCES bank, CHECK (num_nonnulls(card_id, bank_id, other_id) = 1));
CREATE TABLE entry (id int PRIMARY KEY, debit numeric(12,2) NOT NULL DEFAULT 0 CHECK (debit >= 0), credit numeric(12,2) NOT NULL DEFAULT 0 CHECK (credit >= 0), CHECK (debit * credit = 0), CHECK (debit + credit > 0));
CREATE TABLE part (id int PRIMARY KEY CHECK (id % 2 = 1), even int NOT NULL CHECK (even % 2 = 0), slot timestamptz NOT NULL CHECK (EXTRACT(minute FROM slot) IN (0, 15, 30, 45) AND EXTRACT(second FROM slot) = 0),
    monday date NOT NULL CHECK (EXTRACT(isodow FROM monday) = 1), workday date NOT NULL CHECK (EXTRACT(dow FROM workday) BETWEEN 1 AND 5), first_day date NOT NULL CHECK (date_trunc('month', first_day) = first_day), y date NOT NULL CHECK (date_part('year', y) BETWEEN 2010 AND 2012));
CREATE TABLE aside (id int PRIMARY KEY, few smallint NOT NULL CHECK (few <> 0 AND few BETWEEN -3 AND 3), s text NOT NULL CHECK (s IN ('a', 'b', 'c')), CHECK (s <> 'a'), yes bool NOT NULL CHECK (yes <> false), no bool NOT NULL CHECK (NOT no), near int NOT NULL CHECK (abs(near) <= 90),
    word text NOT NULL CHECK (word !~ '\s'), other text NOT NULL CHECK (other NOT IN ('x', 'y')), below int CHECK (below < 0 OR below > 1000));
CREATE TABLE pair (id int PRIMARY KEY, a int NOT NULL REFERENCES bank, b int NOT NULL REFERENCES bank, c int NOT NULL REFERENCES bank, d int NOT NULL REFERENCES bank, CHECK (a < b), CHECK (c <> d));
CREATE TABLE brought (id int PRIMARY KEY, region char(2) NOT NULL, code int NOT NULL CHECK (code < 50), FOREIGN KEY (region, code) REFERENCES card (region, code));
CREATE TABLE whole (id int PRIMARY KEY, r char(2), c int, FOREIGN KEY (r, c) REFERENCES card (region, code) MATCH FULL);
CREATE TABLE same_nulls (a int, name text NOT NULL);
CREATE UNIQUE INDEX ON same_nulls (COALESCE(a, -1), lower(name));
CREATE TABLE alike (a int UNIQUE NULLS NOT DISTINCT);
CREATE TABLE gaps (at date NOT NULL, n int) PARTITION BY RANGE (at);
CREATE TABLE gaps_1 PARTITION OF gaps FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE gaps_2 PARTITION OF gaps FOR VALUES FROM ('2024-06-01') TO ('2024-07-01');
CREATE SCHEMA "my.app";
CREATE TABLE "my.app"."user.s" (id int PRIMARY KEY);
CREATE TABLE "my.app".child (id int PRIMARY KEY, user_id int NOT NULL REFERENCES "my.app"."user.s");
