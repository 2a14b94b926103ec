/* postgres_link.h - connections to PostgreSQL and servers that speak its protocol, and their words as a spate_error.
 *
 * The address goes to libpq as it is; sessions are set up so that text means the same on every server. libpq must have been loaded. */
#ifndef SP_ENDPOINT_POSTGRES_LINK_H
#define SP_ENDPOINT_POSTGRES_LINK_H

#include "client/libpq.h"
#include "codec/codec.h"

/* What differs between servers that speak the protocol; detected from version(). */
typedef struct sp_pg_dialect {
    const char *name;
    const char *session; /* settings of every connection */
    const char *lane;    /* more for connections that load, or NULL */
    const char *flush;   /* makes all earlier commits durable, or NULL when they are already */
    sp_sql_dialect sql;
    bool copy_binary;         /* COPY BINARY is the fast way */
    const char *copy_options; /* of a COPY that is not binary */
    sp_text_dialect copy_text;
    bool keys_at_creation;  /* keys belong into CREATE TABLE: rows are stored by primary key */
    bool transactional_ddl; /* CREATE TABLE can be rolled back */
    bool upsert_word;       /* UPSERT INTO, which takes the primary key by itself */
} sp_pg_dialect;

/* Whom to connect to. */
typedef struct sp_pg_server {
    const char *uri; /* with password: never printed */
    const char *shown;
    const sp_pg_dialect *dialect; /* NULL until the first connection */
} sp_pg_server;

/* Connects, finds the dialect on the first call, pins the session's settings. lane: also those
 * for loading. */
int sp_pg_connect(sp_pg_server *s, bool lane, PGconn **conn, spate_error *err) SP_MUST_CHECK;
/* The same for a connection that was lost. */
int sp_pg_reconnect(sp_pg_server *s, PGconn *conn, spate_error *err) SP_MUST_CHECK;
/* Fills err from a failed result, or from the connection when res is NULL or says nothing.
 * Message: "phrase: the server's", or only the server's when the phrase is "". */
int sp_pg_fail(spate_error *err, const PGconn *conn, const PGresult *res, const char *fmt, ...) SP_PRINTF(4, 5);
/* The same of a connection that did not come about, without pieces of a password. */
int sp_pg_fail_connecting(const sp_pg_server *s, const PGconn *conn, const char *phrase, spate_error *err);
/* Runs sql, any number of statements. rows: NULL, or takes the last result (caller clears).
 * what: for the message. */
int sp_pg_run(PGconn *conn, const char *sql, PGresult **rows, spate_error *err, const char *what) SP_MUST_CHECK;
/* What a buffer holds, as a string: the NUL goes into its slack. */
static inline const char *sp_pg_string(sp_buf *b)
{
    if (!b->data)
        return "";
    b->data[b->len] = '\0';
    return b->data;
}
/* Two names in quotes, with a dot between. */
int sp_pg_qualified(sp_buf *out, const char *space, const char *name) SP_MUST_CHECK;

#endif
