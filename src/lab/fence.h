/* fence.h - private to lab: what a shard has while rows of it move, in a schema of its own, spate_lab.
 *
 * A gate: every statement that writes a placed table takes an advisory lock, shared, until its transaction ends; whoever takes it
 * alone waits for those that are under way, and all others wait for him. A side: which of the two placements holds here; it is a sequence,
 * whose value is the same for every transaction, however old what that sees otherwise. A fence: a write of a row that goes from one
 * shard to another is refused, with SQLSTATE SP001, where it does not live now. So no client can write a row where nobody will look
 * for it, whatever map it has; it asks the other shard. Replication passes through both. */
#ifndef SP_LAB_FENCE_H
#define SP_LAB_FENCE_H

#include "lab/reshard.h"

#define SP_FENCE_STATE "SP001" /* SQLSTATE of a refused row: it lives on the other shard */
typedef enum sp_side {
    SP_SIDE_NONE,
    SP_SIDE_BEFORE,
    SP_SIDE_AFTER,
    SP_SIDE_NEITHER, /* in the middle of a turn: all rows that move are refused */
} sp_side;

/* Makes all that on a shard, in place of what was there; the side is before. Copied tables cannot be written from then on. */
int sp_fence_raise(const sp_reshard *r, unsigned shard, PGconn *conn, spate_error *err) SP_MUST_CHECK;
/* Takes it away again. Nothing there is no error. */
int sp_fence_drop(const sp_lab_server *server, PGconn *conn, spate_error *err) SP_MUST_CHECK;
/* SP_SIDE_NONE: there is no fence. */
int sp_fence_side(const sp_lab_server *server, PGconn *conn, sp_side *side, spate_error *err) SP_MUST_CHECK;

/* The statements of the gate and the side, for whoever sends them to many at once. */
extern const char sp_gate_close[], sp_gate_open[];
/* Whoever turns a side, or closes a gate, takes the right to it first, alone; whoever defers it, with others, sees no side turned until all
 * allow it again. A session's end does, too. */
extern const char sp_right_take[], sp_right_leave[], sp_right_defer[], sp_right_allow[];
/* To the side behind the turn; to AFTER, where the log was then is noted with it, in spate_lab.turned_at, once. */
const char *sp_fence_turn(sp_side side);
/* Before a turn, with it in one transaction: it need not be on disk when it returns. Whatever the server commits behind it brings it
 * there, and sp_fence_keep does. */
extern const char sp_fence_lazily[], sp_fence_keep[];

#endif
