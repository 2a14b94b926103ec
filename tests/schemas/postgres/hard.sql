-- text keys of all lengths, unique columns of odd types, keys that are references, wide chains
CREATE TABLE currency (code char(3) PRIMARY KEY, name text NOT NULL UNIQUE, minor_units smallint NOT NULL);
CREATE TABLE rate (base char(3) NOT NULL REFERENCES currency, quote char(3) NOT NULL REFERENCES currency, on_day date NOT NULL, rate numeric(20,10) NOT NULL,
    PRIMARY KEY (base, quote, on_day));
CREATE TABLE device (mac macaddr PRIMARY KEY, ip inet UNIQUE, serial varchar(12) UNIQUE NOT NULL, fingerprint bytea UNIQUE NOT NULL, first_seen timestamptz UNIQUE NOT NULL);
CREATE TABLE reading (device macaddr NOT NULL REFERENCES device (mac), at timestamptz NOT NULL, celsius real, humidity double precision, PRIMARY KEY (device, at));
CREATE TABLE holiday (day date PRIMARY KEY, name text NOT NULL);
CREATE TABLE price_point (amount numeric(6,2) PRIMARY KEY, f double precision UNIQUE);
CREATE TABLE one (id int PRIMARY KEY); CREATE TABLE two (id int PRIMARY KEY REFERENCES one); CREATE TABLE three (id int PRIMARY KEY REFERENCES two);
CREATE TABLE four (id int PRIMARY KEY REFERENCES three, one_id int UNIQUE REFERENCES one, UNIQUE (id, one_id));
CREATE TABLE person_at_two (id int PRIMARY KEY, home int NOT NULL REFERENCES one, work int NOT NULL REFERENCES one, CHECK (home <> work OR home = work));
CREATE TABLE doc (id int PRIMARY KEY, body jsonb UNIQUE NOT NULL, t time NOT NULL, u uuid UNIQUE);
