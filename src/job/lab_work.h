/* lab_work.h - private to job: how far a command that works on the lab has come, for those who watch: work.json in the lab's directory.
 *
 * One command works on a lab at a time, so there is one file. It says what the command told last, and how it ended; the next one
 * replaces it. Nothing depends on it: what cannot be written is not, and the work goes on. */
#ifndef SP_JOB_LAB_WORK_H
#define SP_JOB_LAB_WORK_H

#include "lab/lab.h"
#include "spate/generate.h"

typedef struct sp_work {
    char path[4200], parked[4200];
    const char *kind;
    int64_t began_us, told_us;
    sp_buf parts, text;
} sp_work;

void sp_work_begin(sp_work *w, const sp_lab *lab, const char *kind);
/* What is written at most a few times a second. parts: servers or tables, each with its rows. */
void sp_work_tell(sp_work *w, const spate_table_progress *parts, size_t n);
void sp_work_end(sp_work *w, int status, const spate_error *err); /* one that has not begun is fine */

/* Appends ,"work":{...}, or null, as a member of JSON. */
int sp_work_put(const char *directory, sp_arena *arena, sp_buf *out) SP_MUST_CHECK;

#endif
