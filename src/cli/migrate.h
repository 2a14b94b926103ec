/* migrate.h - private to the command line: what migrate.c and browse.c share. */
#ifndef SP_CLI_MIGRATE_H
#define SP_CLI_MIGRATE_H

#include <stddef.h>
#include <stdio.h>

#include "spate/migrate.h"

/* What --on-conflict, --verify and --sync take, in the order of the enumerations. */
extern const char *const policy_words[], *const proof_words[], *const sync_words[];
/* A path as a terminal can bear it: control bytes as \xNN. */
void print_path(FILE *out, const char *path, size_t len);
/* Bytes of the well-formed UTF-8 character at p, or 0. */
size_t utf8_length(const char *p, size_t len);
/* Shows the plan as a tree to walk in; nodes are left out and taken in on the way. Both standard streams must be terminals. */
int browse_plan(spate_migrate *m, spate_error *err);

#endif
