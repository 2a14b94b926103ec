/* load.h - private to lab and those who bind it: many users who ask one query again and again, and how long each answer took.
 *
 * Closed: each user asks again once answered, so that a stall stops the questions too. Open: questions are due at fixed moments,
 * whether the servers keep up or not, and an answer's time counts from when its question was due; a stall is in the times of all that
 * waited. What failed is counted apart and is in no time and no rate. */
#ifndef SP_LAB_LOAD_H
#define SP_LAB_LOAD_H

#include "lab/asker.h"
#include "lab/hist.h"

enum { SP_LOAD_USERS_MAX = 1024, SP_LOAD_OVERTIME_S = 10 };

/* What was answered since the moment before. */
typedef struct sp_load_moment {
    double at_s; /* since the load began */
    const sp_hist *response;
    uint64_t errors;
} sp_load_moment;

typedef struct sp_load {
    const sp_way *way;
    const sp_query *query;
    const sp_writing *writing; /* NULL: nobody writes */
    double writes;             /* the share of questions that write */
    const sp_key *keys;        /* of which each question draws one */
    uint32_t n_keys;
    unsigned users;
    double rate; /* questions a second; 0: closed */
    double seconds;
    uint64_t seed;
    const int *cancel;
    double moment_s; /* every so often it is told how it goes, on the calling thread; 0: never */
    void (*moment)(void *arg, const sp_load_moment *moment);
    void *arg;
} sp_load;

typedef struct sp_load_result {
    sp_hist response; /* from when it was due */
    sp_hist service;  /* from when it was asked */
    sp_ask_counts counts;
    uint64_t errors, unserved; /* unserved: due, but nobody came to ask it in time */
    double seconds;
    spate_error first_error;
} sp_load_result;

/* Fails when the users cannot come in, or when every question failed. */
int sp_load_run(const sp_load *load, sp_load_result *result, spate_error *err) SP_MUST_CHECK;
/* Asks once, with the given key, and tells the whole answer. */
int sp_load_ask(const sp_load *load, const sp_key *key, sp_answer *answer, spate_error *err) SP_MUST_CHECK;

#endif
