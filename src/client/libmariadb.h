/* libmariadb.h - MariaDB's client library, loaded when a run first connects to a MariaDB or MySQL server.
 *
 * The only place that includes mysql.h; private to the endpoints that speak its protocol. Calls read sp_maria.query(...) for
 * mysql_query(...). */
#ifndef SP_LIBMARIADB_H
#define SP_LIBMARIADB_H

#include "base/base.h"

#include <mysql.h>

/* clang-format off */
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
    X(get_server_info)                                                                             \
    X(get_server_version)                                                                          \
    X(thread_id)                                                                                   \
    X(next_result)                                                                                 \
    X(affected_rows)                                                                               \
    X(warning_count)                                                                               \
    X(read_query_result)                                                                           \
    X(net_read_packet)                                                                             \
    X(set_local_infile_handler)                                                                    \
    X(stmt_init)                                                                                   \
    X(stmt_prepare)                                                                                \
    X(stmt_bind_param)                                                                             \
    X(stmt_execute)                                                                                \
    X(stmt_result_metadata)                                                                        \
    X(stmt_free_result)                                                                            \
    X(stmt_close)                                                                                  \
    X(stmt_errno)                                                                                  \
    X(stmt_error)                                                                                  \
    X(stmt_sqlstate)                                                                               \
    X(fetch_fields)
/* clang-format on */

typedef struct sp_mariadb_library {
#define X(name) __typeof__(&mysql_##name) name;
    SP_MARIADB_FUNCTIONS(X)
#undef X
} sp_mariadb_library;
extern sp_mariadb_library sp_maria;

/* Any thread, any number of times. SPATE_E_UNREACHABLE when there is no libmariadb. */
int sp_mariadb_load(spate_error *err) SP_MUST_CHECK;

#endif
