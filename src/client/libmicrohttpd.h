/* libmicrohttpd.h - the functions of GNU libmicrohttpd that spate calls, loaded when a run first serves over HTTP.
 *
 * Called as sp_mhd.start(...); filled once and only read afterwards. */
#ifndef SP_LIBMICROHTTPD_H
#define SP_LIBMICROHTTPD_H

#include "base/base.h"
#include <microhttpd.h>

/* clang-format off */
#define SP_MHD_FUNCTIONS(X)                                                                        \
    X(start, MHD_start_daemon)                                                                     \
    X(stop, MHD_stop_daemon)                                                                       \
    X(info, MHD_get_daemon_info)                                                                   \
    X(response_of_fd, MHD_create_response_from_fd64)                                               \
    X(response_of_text, MHD_create_response_from_buffer)                                           \
    X(add_header, MHD_add_response_header)                                                         \
    X(queue, MHD_queue_response)                                                                   \
    X(destroy, MHD_destroy_response)
/* clang-format on */

typedef struct sp_libmicrohttpd {
#define X(name, symbol) __typeof__(&symbol) name;
    SP_MHD_FUNCTIONS(X)
#undef X
} sp_libmicrohttpd;
extern sp_libmicrohttpd sp_mhd;

/* Any thread, any number of times. SPATE_E_UNREACHABLE when the library is not there. */
int sp_mhd_load(spate_error *err) SP_MUST_CHECK;

#endif
