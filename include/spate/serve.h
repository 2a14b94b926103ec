/* spate/serve.h - the files of a directory over HTTP, for programs that load rows from an address. */
#ifndef SPATE_SERVE_H
#define SPATE_SERVE_H

#include "spate/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Serves what is in directory and below, to read only, on port of every address of the machine: anybody who reaches it can read
 * them. Names that begin with a dot are not there. Blocks until *cancel, which may be set in a signal handler, is not 0; then it
 * returns SPATE_E_INTERRUPTED. SPATE_E_UNREACHABLE: the port cannot be had, or the library that speaks HTTP is not there.
 * SPATE_E_USAGE: no such directory, or no such port. */
int spate_serve(const char *directory, unsigned port, const int *cancel, spate_error *err);

#ifdef __cplusplus
}
#endif
#endif
