-- a video rental: serials, domains, arrays, tsvector, partitions, two-column keys, smallint keys, a function as generated column
CREATE TYPE mpaa AS ENUM ('G', 'PG', 'PG-13', 'R', 'NC-17');
CREATE DOMAIN release_year AS integer CONSTRAINT year_check CHECK (VALUE >= 1901 AND VALUE <= 2155);
CREATE TABLE actor (actor_id serial PRIMARY KEY, first_name varchar(45) NOT NULL, last_name varchar(45) NOT NULL,
    last_update timestamptz DEFAULT now() NOT NULL);
CREATE TABLE language (language_id smallserial PRIMARY KEY, name char(20) NOT NULL);
CREATE TABLE category (category_id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(25) NOT NULL);
CREATE TABLE country (country_id serial PRIMARY KEY, country text NOT NULL);
CREATE TABLE city (city_id serial PRIMARY KEY, city text NOT NULL, country_id int NOT NULL REFERENCES country ON UPDATE CASCADE);
CREATE TABLE address (address_id serial PRIMARY KEY, address text NOT NULL, address2 text, district text NOT NULL,
    city_id int NOT NULL REFERENCES city, postal_code varchar(10), phone varchar(20) NOT NULL);
CREATE TABLE film (film_id serial PRIMARY KEY, title varchar(255) NOT NULL, description text, release_year release_year,
    language_id smallint NOT NULL REFERENCES language, original_language_id smallint REFERENCES language,
    rental_duration smallint DEFAULT 3 NOT NULL, rental_rate numeric(4,2) DEFAULT 4.99 NOT NULL, length smallint,
    replacement_cost numeric(5,2) NOT NULL, rating mpaa DEFAULT 'G', special_features text[], fulltext tsvector NOT NULL,
    price_in_cents int GENERATED ALWAYS AS ((replacement_cost * 100)::int) STORED);
CREATE TABLE film_actor (actor_id int NOT NULL REFERENCES actor, film_id int NOT NULL REFERENCES film,
    last_update timestamptz DEFAULT now(), PRIMARY KEY (actor_id, film_id));
CREATE TABLE film_category (film_id int REFERENCES film, category_id smallint REFERENCES category, PRIMARY KEY (film_id, category_id));
CREATE TABLE store (store_id serial PRIMARY KEY, manager_staff_id int NOT NULL UNIQUE, address_id int NOT NULL REFERENCES address);
CREATE TABLE staff (staff_id serial PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL, email text, active boolean DEFAULT true,
    address_id int NOT NULL REFERENCES address, store_id int NOT NULL REFERENCES store, username text NOT NULL, password text, picture bytea);
ALTER TABLE store ADD FOREIGN KEY (manager_staff_id) REFERENCES staff (staff_id);
CREATE TABLE customer (customer_id serial PRIMARY KEY, store_id int NOT NULL REFERENCES store, first_name text NOT NULL,
    last_name text NOT NULL, email text, address_id int NOT NULL REFERENCES address, create_date date DEFAULT current_date NOT NULL);
CREATE TABLE inventory (inventory_id serial PRIMARY KEY, film_id int NOT NULL REFERENCES film, store_id int NOT NULL REFERENCES store);
CREATE TABLE rental (rental_id serial PRIMARY KEY, rental_date timestamptz NOT NULL, inventory_id int NOT NULL REFERENCES inventory,
    customer_id int NOT NULL REFERENCES customer, return_date timestamptz, staff_id int NOT NULL REFERENCES staff,
    CHECK (return_date > rental_date));
CREATE UNIQUE INDEX rental_once ON rental (rental_date, inventory_id, customer_id);
CREATE TABLE payment (payment_id int NOT NULL, customer_id int NOT NULL REFERENCES customer, rental_id int NOT NULL REFERENCES rental,
    amount numeric(5,2) NOT NULL, payment_date timestamptz NOT NULL, PRIMARY KEY (payment_date, payment_id)) PARTITION BY RANGE (payment_date);
CREATE TABLE payment_old PARTITION OF payment FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE payment_new PARTITION OF payment FOR VALUES FROM ('2024-01-01') TO (MAXVALUE);
