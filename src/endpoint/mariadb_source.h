/* mariadb_source.h - private to the source that reads MariaDB and MySQL (mariadb_source.c, mariadb_reader.c, mariadb_mark.c): its
 * tables and its connections. */
#ifndef SP_ENDPOINT_MARIADB_SOURCE_H
#define SP_ENDPOINT_MARIADB_SOURCE_H

#include "endpoint/mariadb.h"

#include <pthread.h>

typedef struct sp_my_relation {
    sp_schema schema;
    sp_my_type *types;
    sp_myread *decoder;
    const char *where;  /* or NULL */
    const char *select; /* with two parameters where ranges are read */
    uint32_t batch_rows;
    bool ranges, key_unsigned, key_moment;
    int64_t first_key; /* position 0: an integer, or microseconds; the bits of one that is unsigned */
    const sp_cat_table *from;
    const char *count; /* SELECT count(*) with what comes before a range's ends, where ranges are read */
    sp_my_stamp stamp; /* of a job */
    struct sp_my_link *parked;
} sp_my_relation;

/* A connection, and the statement that runs on it. */
typedef struct sp_my_link {
    MYSQL *m;
    MYSQL_STMT *stmt; /* of table, NULL: none yet */
    sp_my_relation *table;
    bool answering;          /* rows of its answer have not been read */
    uint64_t position;       /* of the next row, in a table that is read from front to back */
    struct sp_my_link *next; /* free ones */
} sp_my_link;

typedef struct sp_my_source {
    sp_source base;
    sp_arena arena;
    sp_my_server server;
    sp_my_reading how;
    bool small_tinyints; /* TINYINT(1) is a number */
    bool span_times;     /* TIME is an interval */
    sp_my_link *links;
    unsigned n_links;
    pthread_mutex_t lock; /* on free and parked ones */
    sp_my_link *free;
    sp_my_relation *tables;
    const sp_schema **schemas;
    sp_extent *extents;
    sp_my_stamp *stamps; /* of the catalog's tables; NULL: of no job */
} sp_my_source;

/* ---- mariadb_reader.c: the readers' part of sp_source_ops ---- */

int sp_my_reader_open(sp_source *source, sp_reader **reader, spate_error *err) SP_MUST_CHECK;
int sp_my_seek(sp_reader *reader, uint32_t table, uint64_t first, uint64_t last, spate_error *err) SP_MUST_CHECK;
int sp_my_next(sp_reader *reader, sp_batch *batch, spate_error *err) SP_MUST_CHECK;
void sp_my_reader_close(sp_reader *reader);
/* The connection is free for whoever reads next. NULL: none. */
void sp_my_give(sp_my_source *s, sp_my_link *l);

/* ---- mariadb_mark.c: the source's mark and unchanged (see sp_source_ops) ---- */

int sp_my_mark(sp_source *source, uint32_t table, sp_buf *text, spate_error *err) SP_MUST_CHECK;
int sp_my_unchanged(sp_source *source, uint32_t table, const char *then, const sp_landed *landed,
                    spate_error *err) SP_MUST_CHECK;

#endif
