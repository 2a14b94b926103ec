/* frame.h - private to lab and those who bind it: what stands around the rows of a shard's tables, made as another server has it.
 *
 * A frame is that server's catalog, less what a shard cannot keep by itself: foreign keys whose parents may be elsewhere, sequences with too
 * few numbers for all, checks that rows may break, what moves of rows set for themselves. The column that a table lives by is numbered by a sequence of its own, not
 * as an identity: see home.h. */
#ifndef SP_LAB_FRAME_H
#define SP_LAB_FRAME_H

#include "endpoint/catalog.h"
#include "lab/layout.h"
#include "lab/link.h"

/* Lives in the arena. */
int sp_frame_read(const sp_layout *l, const sp_lab_server *like, sp_arena *arena, sp_catalog *frame,
                  spate_error *err) SP_MUST_CHECK;
/* Adds to the layout's notes what of main's tables shards do not get. */
int sp_frame_note(const sp_catalog *frame, sp_arena *arena, sp_layout *l, spate_error *err) SP_MUST_CHECK;
/* Takes keys and indexes off the placed tables. */
int sp_frame_strip(const sp_layout *l, const sp_lab_server *server, PGconn *conn, spate_error *err) SP_MUST_CHECK;
/* Puts on those that the frame has. SPATE_E_INTERRUPTED: between two of them *cancel (NULL: never) was set. */
int sp_frame_make(const sp_layout *l, const sp_lab_server *like, const sp_lab_server *server, PGconn *conn,
                  const int *cancel, spate_error *err) SP_MUST_CHECK;

#endif
