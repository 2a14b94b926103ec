-- conditions in every spelling, columns below one another, and some that nobody can read
CREATE TABLE offer (
    id int PRIMARY KEY CHECK (id > 1000),
    price numeric(10,2) NOT NULL CHECK (price > 0), discount int NOT NULL CHECK (discount BETWEEN 0 AND 100),
    status text NOT NULL CHECK (status IN ('draft', 'live', 'gone')), kind varchar(10) NOT NULL CHECK (kind = ANY (ARRAY['a', 'b'])),
    grade char(1) NOT NULL CHECK (grade = 'A' OR grade = 'B' OR grade IN ('C', 'D')),
    code text NOT NULL CHECK (length(code) = 6), short text CHECK (char_length(short) <= 4), long text NOT NULL CHECK (length(long) >= 30),
    ratio double precision CHECK (ratio >= 0 AND ratio < 1), score real NOT NULL CHECK (score > -1.5 AND score <= 1.5),
    email varchar(40) NOT NULL CHECK (email LIKE '%@%'), tag text NOT NULL CHECK (tag LIKE 'T-%'),
    starts date NOT NULL, ends date NOT NULL, CHECK (starts < ends), CHECK (starts >= DATE '2020-01-01'),
    low int NOT NULL, mid int NOT NULL, high int NOT NULL, CHECK (low <= mid AND mid < high AND high < 500),
    opened timestamptz NOT NULL, closed timestamptz, CHECK (closed IS NULL OR closed >= opened),
    maybe int CHECK (maybe IS NULL OR maybe > 7), needed text CHECK (needed IS NOT NULL), number_or int CHECK (number_or IN (1, 2, 3)),
    quantity int NOT NULL CHECK ((quantity > 0) IS TRUE OR quantity = 5), even bigint NOT NULL CHECK (even >= 10::bigint),
    negative int NOT NULL CHECK (negative < 0), "select" int NOT NULL CHECK ("select" BETWEEN -5 AND -1), not_zero int NOT NULL CHECK (not_zero <> 0)
);
