-- every scalar type, alone and in an array
CREATE EXTENSION IF NOT EXISTS hstore;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s "fine", mostly');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN email AS citext CHECK (VALUE ~~ '%@%');
CREATE DOMAIN percent AS numeric(5,2) NOT NULL CHECK (VALUE BETWEEN 0 AND 100);
CREATE TABLE every_type (
    id bigint PRIMARY KEY, a smallint NOT NULL, b integer NOT NULL, c bigint NOT NULL, d real NOT NULL, e double precision NOT NULL,
    f numeric NOT NULL, g numeric(10,3) NOT NULL, h numeric(38,10) NOT NULL, i numeric(1000,50) NOT NULL, j money NOT NULL,
    k boolean NOT NULL, l text NOT NULL, m varchar NOT NULL, n varchar(3) NOT NULL, o char(7) NOT NULL, p char NOT NULL, q "char" NOT NULL,
    r name NOT NULL, s bytea NOT NULL, t date NOT NULL, u time NOT NULL, v timetz NOT NULL, w timestamp NOT NULL, x timestamptz(3) NOT NULL,
    y interval NOT NULL, z uuid NOT NULL, aa json NOT NULL, ab jsonb NOT NULL, ac xml NOT NULL, ad inet NOT NULL, ae cidr NOT NULL,
    af macaddr NOT NULL, ag macaddr8 NOT NULL, ah bit NOT NULL, ai bit(11) NOT NULL, aj varbit NOT NULL, ak varbit(5) NOT NULL,
    al tsvector NOT NULL, am tsquery NOT NULL, an point NOT NULL, ao line NOT NULL, ap lseg NOT NULL, aq box NOT NULL, ar path NOT NULL,
    "as" polygon NOT NULL, at circle NOT NULL, au int4range NOT NULL, av int8range NOT NULL, aw numrange NOT NULL, ax tsrange NOT NULL,
    ay tstzrange NOT NULL, az daterange NOT NULL, ba int4multirange NOT NULL, bb datemultirange NOT NULL, bc mood NOT NULL, bd hstore NOT NULL,
    be citext NOT NULL, bf oid NOT NULL, bg email NOT NULL, bh percent, bi pair, bj pg_lsn, bk interval day to second NOT NULL,
    bl numeric(5,-2) NOT NULL, bm numeric(3,5) NOT NULL);
CREATE TABLE every_array (
    id uuid PRIMARY KEY, a smallint[] NOT NULL, b integer[] NOT NULL, c bigint[][] NOT NULL, d real[] NOT NULL, e double precision[] NOT NULL,
    f numeric[] NOT NULL, g numeric(3,2)[] NOT NULL, k boolean[] NOT NULL, l text[] NOT NULL, n varchar(3)[] NOT NULL, o char(2)[] NOT NULL,
    t date[] NOT NULL, u time[] NOT NULL, w timestamp[] NOT NULL, x timestamptz[] NOT NULL, y interval[] NOT NULL, z uuid[] NOT NULL,
    ab jsonb[] NOT NULL, ad inet[] NOT NULL, ae cidr[] NOT NULL, af macaddr[] NOT NULL, bc mood[] NOT NULL, bh percent[], bi pair[],
    s bytea[] NOT NULL, an point[] NOT NULL, au int4range[] NOT NULL, bd hstore[] NOT NULL, j money[] NOT NULL, ah bit(3)[] NOT NULL);
