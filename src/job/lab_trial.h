/* lab_trial.h - private to job: a bench that is kept, as a file of JSON in the lab's directory.
 *
 * The file is there from the beginning and written anew as the bench goes on, each time as a whole, so whoever looks sees how it goes.
 * docs/formats/trial.md says what is in it. The oldest of more than SP_TRIALS_MAX are removed. */
#ifndef SP_JOB_LAB_TRIAL_H
#define SP_JOB_LAB_TRIAL_H

#include "job/lab.h"
#include "lab/load.h"
#include "spate/lab.h"

enum { SP_TRIALS_MAX = 100 };

typedef struct sp_trial sp_trial;
int sp_trial_begin(const sp_lab *lab, const spate_lab_bench_options *options, sp_trial **trial,
                   spate_error *err) SP_MUST_CHECK;
/* How often it wants to hear of a measurement of so many seconds. */
double sp_trial_moment_s(double seconds);
/* What is measured now, how that goes, and what came out. What fails on the way is told at the end. */
void sp_trial_measuring(sp_trial *t, const char *query, const char *target, unsigned users);
void sp_trial_moment(void *trial, const sp_load_moment *moment);
void sp_trial_measured(sp_trial *t, const spate_lab_measure *m);
/* Writes how it ended, and frees it. status and err: the bench's; returned, unless that went well and writing did not. */
int sp_trial_end(sp_trial *t, int status, spate_error *err) SP_MUST_CHECK;

typedef enum sp_trial_state { SP_TRIAL_RUNNING, SP_TRIAL_DONE, SP_TRIAL_FAILED, SP_TRIAL_INTERRUPTED } sp_trial_state;
/* What a trial's text says of its state; one that is gone without a word was interrupted. False: it is no trial. */
bool sp_trial_read(sp_str text, sp_trial_state *state);
const char *sp_trial_state_name(sp_trial_state state);

#endif
