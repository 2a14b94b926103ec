/* steps.h - private to lab and those who bind it: the memory of a move, a ledger in the lab's directory.
 *
 * A node of it is a step that is done, below a folder for what it was done to: "/shard0 to shard3/copied", with its rows as size. It is
 * on disk when the call returns. What the move as a whole is at is its phase. The last move's stays until the next begins. */
#ifndef SP_LAB_STEPS_H
#define SP_LAB_STEPS_H

#include "base/base.h"

typedef struct sp_steps sp_steps;

typedef enum sp_phase {
    SP_PHASE_NONE,       /* nothing is open */
    SP_PHASE_COPYING,    /* until every pair's stream flows */
    SP_PHASE_FOLLOWING,  /* the takers follow the givers */
    SP_PHASE_SWITCHING,  /* the fences are being turned: they say how far that has come */
    SP_PHASE_SWITCHED,   /* the givers follow the takers */
    SP_PHASE_COMMITTING, /* what the givers have left is taken away */
    SP_PHASE_COMMITTED,
    SP_PHASE_ROLLING_BACK, /* the fences are being turned back, then what the takers have is taken away */
    SP_PHASE_ROLLED_BACK,
} sp_phase;
const char *sp_phase_name(sp_phase phase);
bool sp_phase_is_open(sp_phase phase);

/* look: reads what is there, even while another process has it. */
int sp_steps_open(const char *directory, bool look, sp_steps **steps, spate_error *err) SP_MUST_CHECK;
int sp_steps_close(sp_steps *s, spate_error *err); /* NULL is fine */
/* Forgets all: another move begins. */
int sp_steps_begin(sp_steps **s, const char *directory, spate_error *err) SP_MUST_CHECK;

sp_phase sp_steps_phase(sp_steps *s);
int sp_steps_enter(sp_steps *s, sp_phase phase, spate_error *err) SP_MUST_CHECK;
bool sp_steps_is_done(sp_steps *s, const char *what, const char *step,
                      uint64_t *rows); /* rows: NULL, or what it was done with */
int sp_steps_done(sp_steps *s, const char *what, const char *step, uint64_t rows, spate_error *err) SP_MUST_CHECK;
/* Calls fn for each step that is done, in the order in which they were. */
int sp_steps_each(sp_steps *s, void (*fn)(void *arg, const char *what, const char *step, uint64_t rows, int64_t at_us),
                  void *arg, spate_error *err) SP_MUST_CHECK;

#endif
