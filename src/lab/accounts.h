/* accounts.h - private to lab and those who bind it: clients that write through the lab's route, and notice when something that a
 * shard has acknowledged is gone.
 *
 * An account is a row of the table spate_accounts, and belongs to one client. Each write adds one to its version, so a client knows what
 * the next one must be; where the connection was lost on the way, it may be one more or not, and the next answer says which. Reads of
 * what the same client has written before must not be older than that. An account that no shard has any more, for seconds, is lost with
 * all that was written to it. */
#ifndef SP_LAB_ACCOUNTS_H
#define SP_LAB_ACCOUNTS_H

#include "lab/hist.h"
#include "lab/route.h"
#include "lab/stage.h"

#define SP_ACCOUNTS_TABLE "spate_accounts"
enum { SP_ACCOUNTS = 9600, SP_ACCOUNT_CLIENTS_MAX = 256 };

typedef struct sp_account_load {
    sp_route *route;
    sp_stage *stage;
    unsigned clients;
    double rate; /* writes a second, due at fixed moments; 0: each client goes on once answered */
    uint64_t seed;
} sp_account_load;

typedef struct sp_account_result {
    sp_hist writes; /* nanoseconds from when one was due to when it was acknowledged, whatever it had to wait for */
    /* refused: by a shard that has not the row; unknown: the connection was lost on the way */
    uint64_t reads, refused, unknown;
    uint64_t lost, stale; /* acknowledged writes that are gone; reads older than what the client had written */
    double seconds;
} sp_account_result;

/* Makes the accounts on the shards of the lab, which is by hash; those that are there stay. */
int sp_accounts_make(sp_lab *lab, spate_error *err) SP_MUST_CHECK;
/* Fails when an account cannot be reached for a minute. */
int sp_accounts_run(const sp_account_load *load, sp_account_result *result, spate_error *err) SP_MUST_CHECK;

#endif
