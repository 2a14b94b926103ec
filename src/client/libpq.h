/* libpq.h - the functions of libpq that spate calls, loaded when the first of its endpoints is
 * opened.
 *
 * The only place that includes libpq-fe.h; private to the endpoints that speak PostgreSQL's
 * protocol. A function is called as sp_pq.exec(conn, sql); sp_pq is filled once and only read
 * afterwards. */
#ifndef SP_LIBPQ_H
#define SP_LIBPQ_H

#include "base/base.h"
#include <libpq-fe.h>

/* clang-format off */
#define SP_LIBPQ_FUNCTIONS(X)                                                                      \
    X(connectdb_params, PQconnectdbParams)                                                         \
    X(connect_start, PQconnectStartParams)                                                         \
    X(connect_poll, PQconnectPoll)                                                                 \
    X(socket, PQsocket)                                                                            \
    X(send_query, PQsendQuery)                                                                     \
    X(consume_input, PQconsumeInput)                                                               \
    X(is_busy, PQisBusy)                                                                           \
    X(conninfo_parse, PQconninfoParse)                                                             \
    X(conninfo_free, PQconninfoFree)                                                               \
    X(reset, PQreset)                                                                              \
    X(finish, PQfinish)                                                                            \
    X(status, PQstatus)                                                                            \
    X(transaction_status, PQtransactionStatus)                                                     \
    X(error_message, PQerrorMessage)                                                               \
    X(set_notice_processor, PQsetNoticeProcessor)                                                  \
    X(set_error_verbosity, PQsetErrorVerbosity)                                                    \
    X(exec, PQexec)                                                                                \
    X(get_cancel, PQgetCancel)                                                                     \
    X(cancel, PQcancel)                                                                            \
    X(free_cancel, PQfreeCancel)                                                                   \
    X(prepare, PQprepare)                                                                          \
    X(send_query_params, PQsendQueryParams)                                                        \
    X(send_query_prepared, PQsendQueryPrepared)                                                    \
    X(get_result, PQgetResult)                                                                     \
    X(enter_pipeline, PQenterPipelineMode)                                                         \
    X(exit_pipeline, PQexitPipelineMode)                                                           \
    X(pipeline_status, PQpipelineStatus)                                                           \
    X(pipeline_sync, PQpipelineSync)                                                               \
    X(put_copy_data, PQputCopyData)                                                                \
    X(put_copy_end, PQputCopyEnd)                                                                  \
    X(get_copy_data, PQgetCopyData)                                                                \
    X(freemem, PQfreemem)                                                                          \
    X(result_status, PQresultStatus)                                                               \
    X(result_field, PQresultErrorField)                                                            \
    X(ntuples, PQntuples)                                                                          \
    X(nfields, PQnfields)                                                                          \
    X(fname, PQfname)                                                                              \
    X(getvalue, PQgetvalue)                                                                        \
    X(getisnull, PQgetisnull)                                                                      \
    X(cmd_tuples, PQcmdTuples)                                                                     \
    X(clear, PQclear)
/* clang-format on */

typedef struct sp_libpq {
#define X(name, symbol) __typeof__(&symbol) name;
    SP_LIBPQ_FUNCTIONS(X)
#undef X
} sp_libpq;
extern sp_libpq sp_pq;

/* Any thread, any number of times. SPATE_E_UNREACHABLE when there is no libpq, or one before 14. */
int sp_libpq_load(spate_error *err) SP_MUST_CHECK;

#endif
