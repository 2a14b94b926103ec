/* libhiredis.h - the functions of hiredis that spate calls, loaded when a run first speaks to a Redis server.
 *
 * Called as sp_redis.connect_unix(...); filled once and only read afterwards. */
#ifndef SP_LIBHIREDIS_H
#define SP_LIBHIREDIS_H

#include "base/base.h"
#include <hiredis/hiredis.h>

/* clang-format off */
#define SP_HIREDIS_FUNCTIONS(X)                                                                    \
    X(connect_unix, redisConnectUnix)                                                              \
    X(free_context, redisFree)                                                                     \
    X(command_argv, redisCommandArgv)                                                              \
    X(free_reply, freeReplyObject)
/* clang-format on */

typedef struct sp_libhiredis {
#define X(name, symbol) __typeof__(&symbol) name;
    SP_HIREDIS_FUNCTIONS(X)
#undef X
} sp_libhiredis;
extern sp_libhiredis sp_redis;

/* Any thread, any number of times. SPATE_E_UNREACHABLE when the library is not there. */
int sp_redis_load(spate_error *err) SP_MUST_CHECK;

#endif
