/* libmariadb.h - MariaDB's client library, loaded when a run first connects to a MariaDB or MySQL server.
 *
 * The only place that includes mysql.h; private to the endpoints that speak its protocol. Calls read sp_maria.query(...) for
 * mysql_query(...). */
#ifndef SP_LIBMARIADB_H
#define SP_LIBMARIADB_H

#include "base/base.h"

#include <mysql.h>

#define SP_MARIADB_FUNCTIONS(X)                                                                    \
    X(init)                                                                                        \
    X(options)                                                                                     \
    X(real_connect)                                                                                \
    X(close)                                                                                       \
    X(error)                                                                                       \
    X(errno)                                                                                       \
    X(sqlstate)                                                                                    \
    X(real_query)                                                                                  \
    X(store_result)                                                                                \
    X(fetch_row)                                                                                   \
    X(fetch_lengths)                                                                               \
    X(free_result)                                                                                 \
    X(real_escape_string)                                                                          \
    X(get_server_info)

typedef struct sp_mariadb_library {
#define X(name) __typeof__(&mysql_##name) name;
    SP_MARIADB_FUNCTIONS(X)
#undef X
} sp_mariadb_library;
extern sp_mariadb_library sp_maria;

/* Any thread, any number of times. SPATE_E_UNREACHABLE when there is no libmariadb. */
int sp_mariadb_load(spate_error *err) SP_MUST_CHECK;

#endif
