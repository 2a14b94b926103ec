/* catalog.h - what a database, or a file of CREATE statements, says of its tables: the answer of an endpoint's describe.
 *
 * Nothing is judged here: names, types, keys and expressions are kept as the server has them, beside what they mean in terms
 * that all servers share. A column of a type nobody knows, or a statement that cannot be read, is noted and never a failure.
 * Everything lives in the arena that describe was given; a catalog is only read once it is made. */
#ifndef SP_CATALOG_H
#define SP_CATALOG_H

#include "endpoint/endpoint.h"

typedef struct sp_catalog sp_catalog;
typedef struct sp_describe_options sp_describe_options;

typedef enum sp_cat_class {
    SP_CAT_OTHER, /* nothing we know: a composite, an extension's type */
    SP_CAT_BOOL,
    SP_CAT_INTEGER, /* bits, is_unsigned */
    SP_CAT_FLOAT,   /* bits */
    SP_CAT_DECIMAL, /* precision, scale; precision 0: any */
    SP_CAT_MONEY,
    SP_CAT_TEXT,  /* length in characters, fixed */
    SP_CAT_BYTES, /* length in bytes, fixed */
    SP_CAT_BITS,  /* length in bits, fixed */
    SP_CAT_DATE,
    SP_CAT_TIME,
    SP_CAT_TIMETZ,
    SP_CAT_TIMESTAMP,
    SP_CAT_TIMESTAMPTZ,
    SP_CAT_INTERVAL,
    SP_CAT_YEAR, /* MariaDB's: 1901 to 2155 */
    SP_CAT_UUID,
    SP_CAT_JSON,
    SP_CAT_XML,
    SP_CAT_HSTORE,
    SP_CAT_INET,
    SP_CAT_CIDR,
    SP_CAT_MACADDR,
    SP_CAT_MACADDR8,
    SP_CAT_TSVECTOR,
    SP_CAT_TSQUERY,
    SP_CAT_SHAPE,      /* PostgreSQL's point, line, lseg, box, path, polygon, circle: name says which */
    SP_CAT_GEOMETRY,   /* PostGIS's and MariaDB's; length: the SRID, if it is stated */
    SP_CAT_RANGE,      /* of item */
    SP_CAT_MULTIRANGE, /* of item */
    SP_CAT_ENUM,       /* labels */
    SP_CAT_SET,        /* MariaDB's: any of labels */
    SP_CAT_LIST,       /* of item; length: items, 0: any number */
} sp_cat_class;

typedef struct sp_cat_type {
    sp_cat_class class;
    const char *name;    /* without numbers and brackets, in lower case: "character varying", "int4range" */
    const char *spelled; /* as it would stand in CREATE TABLE: "character varying(20)[]" */
    const char *domain;  /* the domain whose base type this is, or NULL */
    uint32_t bits, length;
    uint16_t precision, scale;
    bool is_unsigned, fixed;
    const sp_str *labels;
    uint32_t n_labels;
    const struct sp_cat_type *item;
} sp_cat_type;

/* What the server's statistics say of a column; made without reading a row. */
typedef struct sp_cat_stats {
    double null_rate;
    double distinct;      /* different values, about; 0: not known */
    bool grows;           /* with more rows there would be more of them */
    double correlation;   /* of the order on disk and the order of values: -1 to 1 */
    const sp_str *common; /* the commonest values, and of all rows how many have each */
    const double *common_rates;
    uint32_t n_common;
    const sp_str *bounds; /* of a histogram of equal shares of the other values */
    uint32_t n_bounds;
    const sp_str *items; /* of lists: the commonest items, and how many rows have each */
    const double *item_rates;
    uint32_t n_items;
    const double *lengths; /* of lists: bounds of equal shares, ascending: how many different items a row has */
    uint32_t n_lengths;
    double mean_length;
} sp_cat_stats;

typedef enum sp_cat_identity { SP_CAT_NO_IDENTITY, SP_CAT_BY_DEFAULT, SP_CAT_ALWAYS } sp_cat_identity;

/* What numbers a column's rows. */
typedef struct sp_cat_sequence {
    const char *space, *name; /* NULL: it has none of its own, as AUTO_INCREMENT */
    const char *type;         /* "bigint" */
    int64_t start, step, min, max, cache;
    bool cycles;
    bool owned;  /* goes when its column goes */
    bool called; /* last has been given out; else the next is start */
    int64_t last;
} sp_cat_sequence;

typedef struct sp_cat_column {
    const char *name;
    sp_cat_type type;
    bool not_null;
    bool auto_number;                /* numbered by the server, as a serial or AUTO_INCREMENT column is */
    sp_cat_identity identity;        /* numbered by the server, the standard's way */
    const char *default_sql;         /* NULL: none */
    const char *generated_sql;       /* NULL: it can be written; "": in a way that is no expression */
    bool is_virtual;                 /* what is generated is not stored */
    bool invisible;                  /* to SELECT * */
    const char *on_update_sql;       /* what it becomes when its row changes; NULL: nothing */
    const char *collation;           /* as SQL names it; NULL: the type's */
    const sp_cat_sequence *sequence; /* NULL: none, or not known */
    const char *comment;
    const sp_cat_stats *stats; /* NULL: not asked for, or there are none */
} sp_cat_column;

/* How a column stands in an index. */
typedef struct sp_cat_part {
    bool descending;
    uint32_t prefix; /* so many characters or bytes of it; 0: all */
} sp_cat_part;

typedef struct sp_cat_key {
    const char *name;
    const uint32_t *columns;
    const sp_cat_part *parts; /* of each column; NULL: whole and ascending */
    uint32_t n;
    bool primary;
    const char *where; /* of a partial unique index, or NULL */
    bool nulls_alike;  /* two nulls are the same value */
    bool computed;     /* of expressions: the columns are those that they need */
    const char
        *sum; /* of a key computed from one generated column: that as plans write it; NULL: it has no such form */
    uint32_t summed;   /* the generated column */
    bool constraint;   /* of the table; else an index alone */
    const char *body;  /* what stands behind CREATE UNIQUE INDEX ... ON table; NULL: the columns */
    const char *when;  /* "DEFERRABLE INITIALLY DEFERRED"; NULL: at once */
} sp_cat_key;

typedef struct sp_cat_foreign_key {
    const char *name;
    const uint32_t *columns;
    uint32_t n;
    const char *parent_space, *parent; /* as they were named */
    const char *const *parent_names;   /* columns as they were named; NULL: the parent's primary key */
    int32_t parent_table;              /* number in the catalog, -1: not in it */
    const uint32_t *parent_columns;    /* when it is */
    const char *on_delete, *on_update; /* "CASCADE"; NULL: nothing said */
    const char *when;                  /* as a key's */
    const char *delete_columns;        /* "(a, b)": what alone SET NULL and SET DEFAULT change; NULL: all of them */
    bool full;                         /* its columns are null together, or none is */
    bool unchecked;                    /* rows that are there may break it */
} sp_cat_foreign_key;

typedef struct sp_cat_check {
    const char *name;
    const char *sql; /* the condition alone */
    int32_t column;  /* of a domain's: the column that VALUE means; -1: of the table */
    bool unchecked;  /* rows that are there may break it */
} sp_cat_check;

typedef struct sp_cat_index {
    const char *name;
    const char *sql; /* CREATE INDEX ... */
    /* what stands in it behind ON table; NULL: it is no index but a constraint; "": sql adds it to the table */
    const char *body;
    const char *const *columns; /* n names; 0: of expressions, or of a kind that only its server has */
    const sp_cat_part *parts;   /* of each; NULL: whole and ascending */
    uint32_t n;
    const char *where; /* of a partial one, or NULL */
} sp_cat_index;

/* What only its own server has words for. */
typedef struct sp_cat_setting {
    const char *sql;        /* behind ALTER TABLE table; NULL: it is not said again */
    const char *what;       /* for a person: "its replica identity" */
    int32_t column;         /* the one that it is of; -1: the table */
    const char *index;      /* what has to be there first; NULL: the table alone */
    const char *statistics; /* extended ones of this name: sql stands between that and FROM table. Else NULL */
    const char *space;      /* where they are */
} sp_cat_setting;

typedef struct sp_cat_table {
    const char *space, *name; /* space "": the server has none, or the statement named none */
    const char *shown;        /* as a plan calls it: without the space where the server would look there first */
    const char *comment;
    const char *sql;       /* CREATE TABLE ..., where the server keeps it so; or NULL */
    const char *collation; /* of columns that name none; NULL: the server's */
    int64_t next_number;   /* that AUTO_INCREMENT will give; 0: not said */
    double rows;           /* about; negative: not known */
    sp_cat_column *columns;
    uint32_t n_columns, cap_columns;
    sp_cat_key *keys; /* the primary key first, then what else is unique; of columns, not of expressions */
    uint32_t n_keys, cap_keys;
    sp_cat_foreign_key *foreign_keys;
    uint32_t n_foreign_keys, cap_foreign_keys;
    sp_cat_check *checks;
    uint32_t n_checks, cap_checks;
    const char *partitions; /* a condition: of rows that one of its partitions takes; NULL: any row */
    sp_cat_index *indexes; /* those that are no keys */
    uint32_t n_indexes, cap_indexes;
    sp_cat_setting *settings; /* those of one kind together */
    uint32_t n_settings, cap_settings;
} sp_cat_table;

/* What belongs to a table, or to none (-1), and is no table: "2 triggers". */
typedef struct sp_cat_other {
    int32_t table;
    const char *what;
} sp_cat_other;

struct sp_catalog {
    sp_arena *arena;
    int dialect;               /* in which expressions and bodies are written: sp_sql_dialect, or -1 */
    bool loose;                /* types of columns are hints: values may be others */
    const char *server;        /* "PostgreSQL 15.10": for a person */
    const char *default_space; /* where names without a space are looked for */
    bool brackets;             /* lists as text are [a, b], not {a,b} */
    sp_cat_table *tables;
    uint32_t n_tables, cap_tables;
    const char **notes; /* what could not be read, a line each */
    uint32_t n_notes, cap_notes;
    sp_cat_other *others;
    uint32_t n_others, cap_others;
};

struct sp_describe_options {
    const char *const *spaces; /* only these schemas; none: all but the server's own */
    uint32_t n_spaces;
    bool stats;
};

/* Reads what uri names. SPATE_E_USAGE when its endpoint cannot be described. */
int sp_describe(const char *uri, const sp_describe_options *options, sp_arena *arena, sp_catalog *out,
                spate_error *err) SP_MUST_CHECK;

/* Whether that would tell of the tables that a source of this URI gives. */
bool sp_is_described(const char *uri);

/* ---- making one (catalog.c): each gives a zeroed new item, or NULL for want of memory ------------------------------------- */

void sp_catalog_init(sp_catalog *c, sp_arena *arena);
sp_cat_table *sp_catalog_add_table(sp_catalog *c, const char *space, const char *name);
sp_cat_column *sp_catalog_add_column(sp_catalog *c, sp_cat_table *t, const char *name);
sp_cat_key *sp_catalog_add_key(sp_catalog *c, sp_cat_table *t);
sp_cat_foreign_key *sp_catalog_add_foreign_key(sp_catalog *c, sp_cat_table *t);
sp_cat_check *sp_catalog_add_check(sp_catalog *c, sp_cat_table *t);
sp_cat_index *sp_catalog_add_index(sp_catalog *c, sp_cat_table *t);
sp_cat_setting *sp_catalog_add_setting(sp_catalog *c, sp_cat_table *t);
sp_cat_other *sp_catalog_add_other(sp_catalog *c);
bool sp_catalog_note(sp_catalog *c, const char *fmt, ...) SP_PRINTF(2, 3);

/* Names as SQL compares them: as written, or else without regard to case. -1: there is none. space NULL or "": wherever. */
int sp_catalog_find_table(const sp_catalog *c, const char *space, const char *name);
int sp_catalog_find_column(const sp_cat_table *t, sp_str name);
/* The table of a linked catalog (NULL: of none) that plans call so, to the letter; NULL: there is none. */
sp_cat_table *sp_catalog_shown(const sp_catalog *c, const char *shown);
/* The table of a linked catalog that a person means: as sp_names_table has it, or else the only one that is called so without regard to
 * case and space. SPATE_E_USAGE: there is none, or there are several. */
int sp_catalog_find_named(const sp_catalog *c, const char *name, uint32_t *table, spate_error *err) SP_MUST_CHECK;
/* To be called once when all tables are there: takes out spate's own, puts primary keys first, resolves foreign keys, names the tables as plans do. */
bool sp_catalog_link(sp_catalog *c);

/* Gives a schema, whose fields are columns of the linked table, the keys that need no others (catalog_schema.c). False: no memory. */
bool sp_catalog_add_schema_keys(sp_arena *arena, const sp_catalog *c, const sp_cat_table *from, sp_schema *schema);

/* ---- types (catalog_type.c) ------------------------------------------------------------------------------------------------ */

/* What a type as SQL spells it means, in any server's dialect. Types that others are made of, such as enumerations with a name,
 * are filled in by whoever knows them. False: no memory. */
bool sp_cat_type_parse(sp_str sql, sp_arena *arena, sp_cat_type *type);
/* SQLite takes any word for a type, and what it knows not it judges by the letters in it; so does this. */
void sp_cat_type_by_letters(sp_cat_type *type);
/* To DuckDB and MariaDB a float has 32 bits, to the standard 64. */
void sp_cat_short_floats(sp_cat_table *t);

/* ---- CREATE statements (catalog_sql.c) -------------------------------------------------------------------------------------- */

/* Adds what a script creates: CREATE TABLE, TYPE ... AS ENUM, DOMAIN, UNIQUE INDEX, ALTER TABLE ... ADD, COMMENT ON, as
 * PostgreSQL, MariaDB, SQLite and DuckDB write them. The rest of a script is passed over; what should have been understood and
 * was not is noted. Does not link. False: no memory. */
bool sp_catalog_read_sql(sp_catalog *c, const char *sql, size_t len);

/* For sources: whether a table is given. One that cannot be is left out with a note, or refused if somebody has named it. */
int sp_source_takes(sp_source *s, sp_arena *arena, const sp_source_options *options, const sp_cat_table *t, bool *takes,
                    spate_error *err) SP_MUST_CHECK;

#endif
