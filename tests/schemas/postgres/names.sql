-- names that need quotes, look like YAML, are words of SQL, or live in other schemas
CREATE SCHEMA "Odd Space"; CREATE SCHEMA other;
CREATE TABLE "Order" ("ID" int PRIMARY KEY, "null" text, "true" boolean NOT NULL, "a: b" int NOT NULL, "#hash" text NOT NULL, "- dash" int NOT NULL,
    "quote""d" text NOT NULL, "it's" text NOT NULL, "{brace}" int NOT NULL, "ünïcödé" text NOT NULL, "select" int NOT NULL, "*star" int NOT NULL, "~" int);
CREATE TABLE "Odd Space"."Table One" (id int PRIMARY KEY, "order" int NOT NULL REFERENCES "Order" ("ID"));
CREATE TABLE other.thing (id int PRIMARY KEY, one int NOT NULL REFERENCES "Odd Space"."Table One");
CREATE TABLE thing (id int PRIMARY KEY, other int NOT NULL REFERENCES other.thing);
CREATE TYPE other.size AS ENUM ('small', 'null', 'true', '~', '- a', 'x: y', '');
CREATE TABLE other.sized (size other.size NOT NULL, sizes other.size[] NOT NULL);
COMMENT ON TABLE thing IS E'what is this?\nnobody knows: # really';
