-- what cannot be read must not keep the rest from being read
CREATE TABLE good (id INT PRIMARY KEY, note VARCHAR(10));
CREATE TABLE odd (id int primary key, what frobnicate(3, 'x') NOT NULL, , FOREIGN KEY (nope) REFERENCES good, ok boolean);
CREATE TABLE ( nothing );
CREATE TABLE copied AS SELECT * FROM good;
CREATE TABLE IF NOT EXISTS last (id uuid NOT NULL, good_id INT REFERENCES good, PRIMARY KEY (id)
