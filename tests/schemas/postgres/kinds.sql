-- what a thing is, and what it is besides: tables of kinds that refer to (id, kind)
CREATE TYPE shape AS ENUM ('disc', 'box', 'rod');
CREATE TABLE vehicle (id bigserial PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('car', 'truck')), plate text NOT NULL UNIQUE, UNIQUE (id, kind));
CREATE TABLE car (id bigint PRIMARY KEY, kind text NOT NULL DEFAULT 'car' CHECK (kind = 'car'), doors smallint NOT NULL CHECK (doors BETWEEN 2 AND 5), FOREIGN KEY (id, kind) REFERENCES vehicle (id, kind));
CREATE TABLE truck (id bigint PRIMARY KEY, kind text NOT NULL DEFAULT 'truck' CHECK (kind = 'truck'), axles int NOT NULL, FOREIGN KEY (id, kind) REFERENCES vehicle (id, kind) ON DELETE CASCADE);
CREATE TABLE trip (id bigserial PRIMARY KEY, truck_id bigint NOT NULL REFERENCES truck, km int NOT NULL);
CREATE TABLE thing (id int PRIMARY KEY, shape shape NOT NULL, UNIQUE (id, shape));
CREATE TABLE box (id bigserial PRIMARY KEY, thing_id int NOT NULL, shape shape NOT NULL DEFAULT 'box' CHECK (shape = 'box'), FOREIGN KEY (thing_id, shape) REFERENCES thing (id, shape));
