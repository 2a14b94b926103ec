-- Names with blanks, quotes, dots and reserved words; defaults of functions; conditions with LIKE, REGEXP, BETWEEN and IN.
CREATE TABLE `Order Details``s` (`Order ID` int NOT NULL, `Product.ID` int NOT NULL, `Unit Price` decimal(19,4) NOT NULL DEFAULT 0 CHECK (`Unit Price` >= 0),
    `Quantity` smallint NOT NULL DEFAULT 1 CHECK (`Quantity` > 0), `Discount` double NOT NULL CHECK (`Discount` BETWEEN 0 AND 1), PRIMARY KEY (`Order ID`, `Product.ID`));
CREATE TABLE `select` (`from` int NOT NULL PRIMARY KEY, `where` varchar(20) NOT NULL CHECK (`where` REGEXP '^[A-Z]{3}-[0-9]{4}$'), `group` char(1) NOT NULL CHECK (`group` IN ('a', 'b', 'c')),
    `order` varchar(5) CHECK (`order` LIKE 'X%'), `"quoted"` int DEFAULT NULL, `it's` date NOT NULL CHECK (`it's` BETWEEN '2010-01-01' AND '2019-12-31'), `100%` float NOT NULL, `ünï` text);
CREATE TABLE customers (id char(5) NOT NULL PRIMARY KEY CHECK (id REGEXP BINARY '^[A-Z]{5}$'), company varchar(40) NOT NULL, phone varchar(24) CHECK (phone REGEXP '^[+]?[0-9() -]+$'),
    fax varchar(24), email varchar(80) NOT NULL CHECK (email LIKE '%_@_%._%'), vat varchar(14) DEFAULT NULL, iso2 char(2) NOT NULL CHECK (char_length(iso2) = 2 AND iso2 = upper(iso2)),
    rating int CHECK (rating BETWEEN 1 AND 5 OR rating IS NULL), CONSTRAINT some_way CHECK (phone IS NOT NULL OR fax IS NOT NULL));
CREATE TABLE employees (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, reports_to int DEFAULT NULL, title_of_courtesy enum('Mr.', 'Ms.', 'Dr.', 'it''s "x"') DEFAULT NULL, birth date NOT NULL,
    hired date NOT NULL, left_on date, salary decimal(10,2) UNSIGNED NOT NULL, bonus decimal(10,2) DEFAULT 0, photo longblob, notes mediumtext, CHECK (hired > birth), CHECK (left_on > hired),
    CHECK (bonus <= salary), FOREIGN KEY (reports_to) REFERENCES employees (id));
CREATE TABLE orders (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, customer char(5) DEFAULT NULL, employee int DEFAULT NULL, ordered datetime NOT NULL, required datetime, shipped datetime,
    freight decimal(19,4) DEFAULT 0 CHECK (freight >= 0), status varchar(10) NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'paid', 'sent')), total decimal(12,2) NOT NULL, net decimal(12,2) NOT NULL,
    tax decimal(12,2) NOT NULL, CHECK (total = net + tax), CHECK (shipped IS NULL OR shipped >= ordered), CHECK ((status = 'sent') = (shipped IS NOT NULL)),
    FOREIGN KEY (customer) REFERENCES customers (id) ON UPDATE CASCADE, FOREIGN KEY (employee) REFERENCES employees (id));
CREATE TABLE region (code varchar(3) NOT NULL, parent varchar(3) NOT NULL, name varchar(30) NOT NULL, PRIMARY KEY (code), FOREIGN KEY (parent) REFERENCES region (code), UNIQUE (name, parent));
