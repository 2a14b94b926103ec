-- Schemas, tables and columns with blanks, quotes, dots, reserved words and capitals; references across them.
CREATE SCHEMA "Odd Space";
CREATE SCHEMA "two words";
CREATE TYPE "Odd Space"."my mood" AS ENUM ('so so', 'fine');
CREATE TABLE "Odd Space"."Table ""One""" ("the id" INTEGER PRIMARY KEY, "select" VARCHAR NOT NULL, "a.b" INTEGER, "it's" DATE, "Mood" "Odd Space"."my mood" NOT NULL, UNIQUE ("select", "a.b"));
CREATE TABLE "Odd Space".child (id INTEGER PRIMARY KEY, "one id" INTEGER NOT NULL, FOREIGN KEY ("one id") REFERENCES "Odd Space"."Table ""One""" ("the id"));
CREATE TABLE "two words".tt (id BIGINT PRIMARY KEY, "group" VARCHAR CHECK ("group" IN ('a', 'b')), "order" INTEGER NOT NULL CHECK ("order" > 0));
CREATE TABLE "Group" ("Group" INTEGER PRIMARY KEY, "100%" DOUBLE NOT NULL, "ünï" VARCHAR NOT NULL, "tab	tab" VARCHAR);
CREATE TABLE "order" (id INTEGER PRIMARY KEY, grp INTEGER NOT NULL REFERENCES "Group" ("Group"));
CREATE SCHEMA "my.schema";
CREATE SCHEMA a;
CREATE TABLE "my.schema"."tab.le" (id INTEGER PRIMARY KEY, name VARCHAR);
CREATE TABLE "a.b" (id INTEGER PRIMARY KEY, "c.d" INTEGER NOT NULL);
CREATE TABLE a.b (id INTEGER PRIMARY KEY, v DATE NOT NULL);
CREATE TABLE "a.b.c" (id INTEGER PRIMARY KEY, p INTEGER NOT NULL REFERENCES "a.b" (id));
