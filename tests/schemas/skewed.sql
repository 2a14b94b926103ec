SELECT setseed(0.25);
CREATE TYPE state AS ENUM ('new', 'paid', 'gone', 'never');
CREATE TABLE customer (id int PRIMARY KEY, country char(2) NOT NULL);
CREATE TABLE "order" (id int PRIMARY KEY, customer int NOT NULL REFERENCES customer, state state NOT NULL, gift boolean, n int, price numeric(10,2) NOT NULL,
    weight double precision, created timestamptz NOT NULL DEFAULT now(), day date, kind text DEFAULT 'x', note text NOT NULL);
INSERT INTO customer SELECT i, (ARRAY['DE', 'FR', 'US'])[1 + (i % 10) / 4] FROM generate_series(1, 1000) i;
INSERT INTO "order" SELECT i, 1 + floor(1000 * power(random(), 3)), (CASE WHEN random() < 0.8 THEN 'paid' WHEN random() < 0.5 THEN 'new' ELSE 'gone' END)::state,
    random() < 0.1, floor(exp(random() * 5)), round(exp(3 + random() + random() + random() - 1.5)::numeric, 2), random() * random(),
    '2024-01-01'::timestamptz + i * interval '1 minute', '2020-01-01'::date + (random() * random() * 1000)::int,
    CASE WHEN random() < 0.3 THEN NULL ELSE (ARRAY['a', 'b'])[1 + (i % 2)] END, 'note ' || i FROM generate_series(1, 20000) i;
ANALYZE;
