/* journal.h - private to the ledger: the file of record groups, and the records in it.
 *
 *   file:   "spate ledger 2\n\0", salt, hash of both; then groups, each at a multiple of eight bytes
 *   group:  magic, length, number, hash of the payload (seeded with salt, number and length); payload, zeroes up to eight
 *
 * Numbers count up by one, so a group out of place is as wrong as a damaged one. Only a thread of the journal's own writes: it
 * takes what has gathered, writes it as one group and syncs it. A payload is never split, so what one append gives is there as
 * a whole or not at all. All numbers little-endian.
 *
 * A journal that says much twice is written anew beside itself, with the same salt, synced, and renamed over the old one: whoever
 * opens it finds the one or the other. */
#ifndef SP_LEDGER_JOURNAL_H
#define SP_LEDGER_JOURNAL_H

#include "os/os.h"

enum {
    SP_JOURNAL_HEADER = 32,
    SP_GROUP_HEADER = 24,
    SP_GROUP_BYTES = 4 << 20,   /* gathered, it is written before its time */
    SP_GATHERED_MAX = 16 << 20, /* appending waits for the disk */
};

typedef struct sp_journal {
    char *path; /* NULL: none, everything succeeds and is forgotten */
    int fd;
    uint64_t salt, number, size; /* of the next group; of the file when it was opened */
    uint64_t bytes;              /* of the file and of what it will get: under the lock of whoever appends */
    unsigned sync_ms;
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    pthread_t thread;
    bool running, stop, hurry;
    bool young; /* a new file that is not on the disk yet */
    sp_buf gather, out;
    int64_t due_us;
    uint64_t appended, synced; /* bytes of payload */
    spate_error failure;       /* final */
} sp_journal;

typedef int (*sp_journal_fn)(void *arg, const char *payload, size_t len, spate_error *err);

/* Opens or makes the file, locks it, hands every whole group to fn, cuts off an unfinished one (*cut bytes). fresh: it was made. */
int sp_journal_open(sp_journal *j, const char *path, unsigned sync_ms, sp_journal_fn fn, void *arg, bool *fresh,
                    uint64_t *cut, spate_error *err) SP_MUST_CHECK;
/* Hands every whole group to fn and leaves the file alone, whoever is writing it. SPATE_E_IO: there is none. */
int sp_journal_look(const char *path, sp_journal_fn fn, void *arg, spate_error *err) SP_MUST_CHECK;
uint64_t sp_journal_bytes(const char *path); /* of the file; 0: there is none */
/* Every group again, as far as they are on disk. */
int sp_journal_read(sp_journal *j, sp_journal_fn fn, void *arg, spate_error *err) SP_MUST_CHECK;
int sp_journal_append(sp_journal *j, const sp_buf *payload, spate_error *err) SP_MUST_CHECK;
/* What is in the journal by now gives way to what fn puts: records into fresh->out, where sp_journal_put makes groups of them. Nothing
 * may be appended meanwhile. *done false: it could not be, and the journal is what it was; a failure is final. */
typedef int (*sp_journal_write_fn)(void *arg, sp_journal *fresh, spate_error *err);
int sp_journal_rewrite(sp_journal *j, sp_journal_write_fn fn, void *arg, bool *done, spate_error *err) SP_MUST_CHECK;
int sp_journal_put(sp_journal *fresh, spate_error *err) SP_MUST_CHECK;
/* Takes nothing any more: memory may not be what the journal says. */
void sp_journal_poison(sp_journal *j, int status, const spate_error *why);
int sp_journal_sync(sp_journal *j, spate_error *err) SP_MUST_CHECK; /* everything appended so far */
void sp_journal_stop(sp_journal *j); /* has the last group written; nothing follows but closing, which waits for it */
int sp_journal_close(sp_journal *j, spate_error *err) SP_MUST_CHECK;

#endif
