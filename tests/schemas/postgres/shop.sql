-- uuid keys with defaults, an enumeration, defaults that nobody has to write
CREATE TABLE member (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text NOT NULL, registered timestamptz NOT NULL DEFAULT now());
CREATE TABLE product (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, price decimal NOT NULL);
CREATE TYPE purchase_status AS ENUM ('pending', 'paid', 'dispatched');
CREATE TABLE purchase (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), member_id uuid NOT NULL REFERENCES member (id),
    amount decimal NOT NULL, status purchase_status NOT NULL, ts timestamp NOT NULL DEFAULT now());
CREATE TABLE purchase_line (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), purchase_id uuid NOT NULL REFERENCES purchase (id),
    product_id uuid NOT NULL REFERENCES product (id), quantity int NOT NULL DEFAULT 1);
CREATE TABLE person (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text NOT NULL, full_name text NOT NULL,
    registered timestamptz NOT NULL DEFAULT now());
CREATE TABLE pet (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person_id uuid NOT NULL REFERENCES person (id), name text NOT NULL,
    registered timestamptz NOT NULL DEFAULT now());
