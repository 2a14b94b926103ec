/* store.h - what the commands about stores share. */
#ifndef CLI_STORE_H
#define CLI_STORE_H

#include "cli/cli.h"

/* Opens the file that the first argument names and, when table is asked for, finds the one --table names; says what went wrong. */
int open_store(const invocation *in, bool write, spate_store **store, uint32_t *table);

#endif
