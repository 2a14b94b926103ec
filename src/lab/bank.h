/* bank.h - private to lab and those who bind it: money that is moved between rows of the shards, and never becomes more or less.
 *
 * An account is a row of the table spate_bank. A transfer takes from one and gives to another: on one shard it is a transaction of that; on
 * two it is prepared on both, decided on main (doubt.h), and committed on both. The last step is taken in a gate, an advisory lock of main,
 * shared; whoever has it alone takes snapshots of all shards, and so no transfer is in one and not in the other. The sum over all of
 * them is what was there at the beginning, whatever moves or is killed. */
#ifndef SP_LAB_BANK_H
#define SP_LAB_BANK_H

#include "lab/route.h"
#include "lab/stage.h"

#define SP_BANK_TABLE "spate_bank"
enum { SP_BANK_ACCOUNTS = 960, SP_BANK_BALANCE = 1000, SP_BANK_CLIENTS_MAX = 64 };

typedef struct sp_bank_load {
    sp_route *route;
    sp_stage *stage;
    unsigned clients;
    double rate; /* transfers a second; 0: each client goes on once one is done */
    uint64_t seed;
} sp_bank_load;

typedef struct sp_bank_result {
    uint64_t within, across; /* transfers on one shard, and between two */
    uint64_t given_up;       /* rolled back, because something was in the way */
    uint64_t totals, wrong;  /* readings; those that were not what it should be */
    int64_t first_wrong;     /* the first wrong one's sum */
    uint64_t settled;        /* transactions in doubt that were ended as was recorded */
    int64_t gate_us;         /* the longest that a reading has kept transfers waiting */
} sp_bank_result;

/* Makes the accounts, and main's table of decisions; what is there stays. */
int sp_bank_make(sp_lab *lab, spate_error *err) SP_MUST_CHECK;
/* Fails when the last total cannot be read for a minute. */
int sp_bank_run(const sp_bank_load *load, sp_bank_result *result, spate_error *err) SP_MUST_CHECK;

#endif
