/* snapshot.h - private to lab and those who bind it: all servers as they were at one moment, kept beside them.
 *
 * The moment is one at which no server runs: those that do are stopped, cloned and started again. So a snapshot is one state of all
 * shards together, down to the byte, and where the file system can share blocks it costs next to nothing. Each holds the lab.yaml of
 * its time, so that a lab comes back with the shards it had. */
#ifndef SP_LAB_SNAPSHOT_H
#define SP_LAB_SNAPSHOT_H

#include "lab/lab.h"

enum { SP_SNAPSHOT_NAME_MAX = 60 };

/* SPATE_E_USAGE: there is one of that name, or it is no name; or servers are attached. Servers that ran run again afterwards, also when
 * it failed. */
int sp_snapshot_save(sp_lab *lab, const char *name, spate_error *err) SP_MUST_CHECK;
/* The lab becomes what it was; its struct is read anew. Interrupted, it is to be called again: until it has come through, some
 * servers may be as they were before, and none runs. */
int sp_snapshot_restore(sp_lab *lab, const char *name, spate_error *err) SP_MUST_CHECK;
int sp_snapshot_drop(sp_lab *lab, const char *name, spate_error *err) SP_MUST_CHECK;
/* Names in the lab's arena, in order. */
int sp_snapshot_list(sp_lab *lab, char ***names, uint32_t *n, spate_error *err) SP_MUST_CHECK;

#endif
