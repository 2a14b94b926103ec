/* adbc.h - private to the ADBC endpoint: a driver's database, its connections, and what they answer.
 *
 *   adbc.c          the link, and the sink
 *   adbc_source.c   rows out of it */
#ifndef SP_ENDPOINT_ADBC_H
#define SP_ENDPOINT_ADBC_H

#include "client/libadbc.h"
#include "codec/arrow_c.h"
#include "endpoint/endpoint.h"

typedef struct sp_adbc {
    struct AdbcDriver driver;
    struct AdbcDatabase db;
    bool loaded, made;
} sp_adbc;

/* adbc:LIBRARY?entrypoint=NAME; every other key is an option of the driver's database. */
int sp_adbc_open(sp_adbc *a, sp_uri *uri, spate_error *err) SP_MUST_CHECK;
void sp_adbc_close(sp_adbc *a);
int sp_adbc_connect(sp_adbc *a, struct AdbcConnection *conn, spate_error *err) SP_MUST_CHECK;
void sp_adbc_disconnect(sp_adbc *a, struct AdbcConnection *conn);
/* Fills err with the driver's words, which it lets go. */
int sp_adbc_fail(spate_error *err, int status, struct AdbcError *failed, const char *what);
/* Runs sql whose rows do not matter. */
int sp_adbc_run(sp_adbc *a, struct AdbcConnection *conn, const char *sql, spate_error *err) SP_MUST_CHECK;

/* A query's rows, from front to back. */
typedef struct sp_adbc_answer {
    struct AdbcStatement statement;
    struct ArrowArrayStream stream;
    struct ArrowArray array;
    sp_arrowread *reader;
    const sp_field *fields;
    uint32_t n_fields;
    uint64_t rows, at; /* of the array; how many have been taken */
    bool made, end;
} sp_adbc_answer;
int sp_adbc_ask(sp_adbc *a, struct AdbcConnection *conn, const char *sql, sp_adbc_answer *answer,
                spate_error *err) SP_MUST_CHECK;
/* Makes rows be there behind at, or end true. */
int sp_adbc_fetch(sp_adbc_answer *answer, spate_error *err) SP_MUST_CHECK;
void sp_adbc_answer_done(sp_adbc *a, sp_adbc_answer *answer);

int sp_adbc_source_open(sp_uri *uri, const sp_source_options *options, sp_source **source,
                        spate_error *err) SP_MUST_CHECK;

#endif
