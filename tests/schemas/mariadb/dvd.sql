-- Films on loan: YEAR, SET, ENUM with a default, tiny keys, circles between shop and staff, a point, unsigned everywhere.
CREATE TABLE language (language_id tinyint unsigned NOT NULL AUTO_INCREMENT, name char(20) NOT NULL, PRIMARY KEY (language_id));
CREATE TABLE country (country_id smallint unsigned NOT NULL AUTO_INCREMENT, country varchar(50) NOT NULL, PRIMARY KEY (country_id));
CREATE TABLE address (address_id smallint unsigned NOT NULL AUTO_INCREMENT, address varchar(50) NOT NULL, district varchar(20) NOT NULL, postal_code varchar(10) DEFAULT NULL,
    phone varchar(20) NOT NULL, location point DEFAULT NULL, country_id smallint unsigned NOT NULL, last_update timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
    PRIMARY KEY (address_id), FOREIGN KEY (country_id) REFERENCES country (country_id) ON UPDATE CASCADE);
CREATE TABLE staff (staff_id tinyint unsigned NOT NULL AUTO_INCREMENT, first_name varchar(45) NOT NULL, last_name varchar(45) NOT NULL, address_id smallint unsigned NOT NULL,
    picture blob, email varchar(50) DEFAULT NULL, store_id tinyint unsigned NOT NULL, active boolean NOT NULL DEFAULT true, username varchar(16) NOT NULL,
    password varchar(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL, PRIMARY KEY (staff_id), FOREIGN KEY (address_id) REFERENCES address (address_id));
CREATE TABLE store (store_id tinyint unsigned NOT NULL AUTO_INCREMENT, manager_staff_id tinyint unsigned NOT NULL, address_id smallint unsigned NOT NULL,
    PRIMARY KEY (store_id), UNIQUE KEY manager (manager_staff_id), FOREIGN KEY (manager_staff_id) REFERENCES staff (staff_id), FOREIGN KEY (address_id) REFERENCES address (address_id));
ALTER TABLE staff ADD FOREIGN KEY (store_id) REFERENCES store (store_id);
CREATE TABLE film (film_id smallint unsigned NOT NULL AUTO_INCREMENT, title varchar(128) NOT NULL, description text, release_year year DEFAULT NULL,
    language_id tinyint unsigned NOT NULL, original_language_id tinyint unsigned DEFAULT NULL, rental_duration tinyint unsigned NOT NULL DEFAULT 3,
    rental_rate decimal(4,2) NOT NULL DEFAULT 4.99, length smallint unsigned DEFAULT NULL, replacement_cost decimal(5,2) NOT NULL,
    rating enum('G', 'PG', 'PG-13', 'R', 'NC-17') DEFAULT 'G', special_features set('Trailers', 'Commentaries', 'Deleted Scenes', 'Behind the Scenes') NOT NULL,
    PRIMARY KEY (film_id), FOREIGN KEY (language_id) REFERENCES language (language_id), FOREIGN KEY (original_language_id) REFERENCES language (language_id),
    CHECK (replacement_cost > rental_rate), CHECK (length IS NULL OR length BETWEEN 1 AND 600));
CREATE TABLE inventory (inventory_id mediumint unsigned NOT NULL AUTO_INCREMENT, film_id smallint unsigned NOT NULL, store_id tinyint unsigned NOT NULL,
    PRIMARY KEY (inventory_id), FOREIGN KEY (film_id) REFERENCES film (film_id), FOREIGN KEY (store_id) REFERENCES store (store_id));
CREATE TABLE customer (customer_id smallint unsigned NOT NULL AUTO_INCREMENT, store_id tinyint unsigned NOT NULL, first_name varchar(45) NOT NULL, last_name varchar(45) NOT NULL,
    address_id smallint unsigned NOT NULL, active boolean NOT NULL DEFAULT true, create_date datetime NOT NULL, PRIMARY KEY (customer_id),
    FOREIGN KEY (store_id) REFERENCES store (store_id), FOREIGN KEY (address_id) REFERENCES address (address_id));
CREATE TABLE rental (rental_id int NOT NULL AUTO_INCREMENT, rental_date datetime NOT NULL, inventory_id mediumint unsigned NOT NULL, customer_id smallint unsigned NOT NULL,
    return_date datetime DEFAULT NULL, staff_id tinyint unsigned NOT NULL, PRIMARY KEY (rental_id), UNIQUE KEY one (rental_date, inventory_id, customer_id),
    FOREIGN KEY (inventory_id) REFERENCES inventory (inventory_id), FOREIGN KEY (customer_id) REFERENCES customer (customer_id), FOREIGN KEY (staff_id) REFERENCES staff (staff_id),
    CHECK (return_date >= rental_date));
CREATE TABLE film_actor (actor_id smallint unsigned NOT NULL, film_id smallint unsigned NOT NULL, PRIMARY KEY (actor_id, film_id), FOREIGN KEY (film_id) REFERENCES film (film_id));
