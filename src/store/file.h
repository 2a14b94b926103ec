/* file.h - the open file: superblocks, blocks and where they are, names and tables. Private to the room.
 *
 * One writer at a time (a lock on the file), any number of readers beside it. Blocks are only appended; what a superblock calls
 * committed is whole, and what lies behind it is looked at byte by byte when the file is opened. Every failure to write or to sync
 * is for good: nothing is written after it. */
#ifndef SP_STORE_FILE_H
#define SP_STORE_FILE_H

#include "os/os.h"
#include "store/block.h"
#include "store/lexicon.h"

enum { SP_LOCK_WRITER = 0, SP_LOCK_READERS = 1 }; /* bytes of the file that are locked */

/* Bytes between blocks that are none: what a crash or a fault left. */
typedef struct sp_damage {
    uint64_t from, to;
} sp_damage;

struct spate_store {
    char *path;
    int fd;
    bool writable, changed, unsorted;
    const sp_kernels *k;
    sp_superblock super;
    sp_lexicon catalog;
    sp_index_entry *blocks; /* data and field blocks, by table and first row once sorted */
    uint32_t n_blocks, blocks_cap;
    sp_damage *damage;
    uint32_t n_damage, damage_cap;
    uint64_t end;           /* where the next block goes */
    char *map;
    size_t map_len;
    sp_buf wrapped;         /* catalog and index blocks */
    pthread_mutex_t lock;
    spate_error failed;     /* status not 0: nothing may be written any more */
};

typedef struct spate_store sp_store;

int sp_store_create(const char *path, uint64_t user_capacity, sp_store **store, spate_error *err) SP_MUST_CHECK;
int sp_store_open(const char *path, bool write, sp_store **store, spate_error *err) SP_MUST_CHECK;
void sp_store_close(sp_store *s); /* NULL is fine; without sp_store_finish the tail is looked at when it is opened again */

/* Appends a built data block and makes its rows count. first_row: UINT64_MAX takes the table's next ones. Any thread. */
int sp_store_append(sp_store *s, uint32_t table, uint64_t first_row, sp_buf *block, spate_error *err) SP_MUST_CHECK;
int sp_store_append_field(sp_store *s, uint32_t table, uint16_t name, uint64_t rows, sp_buf *block, spate_error *err) SP_MUST_CHECK;
/* What has been appended survives a crash of the machine, when this returns. */
int sp_store_commit(sp_store *s, spate_error *err) SP_MUST_CHECK;
/* The same, with an index that makes the next opening quick. Other threads append nothing meanwhile. */
int sp_store_finish(sp_store *s, spate_error *err) SP_MUST_CHECK;

int sp_store_add_table(sp_store *s, const sp_schema *schema, uint32_t *table, spate_error *err) SP_MUST_CHECK;
int sp_store_name(sp_store *s, sp_str text, uint16_t *name, spate_error *err) SP_MUST_CHECK;

/* The user's bytes. */
int sp_store_user_read(sp_store *s, sp_buf *out, spate_error *err) SP_MUST_CHECK;
int sp_store_user_write(sp_store *s, const void *bytes, size_t len, spate_error *err) SP_MUST_CHECK;

/* Bytes of the file: in the mapping, or read into aside. */
int sp_store_view(sp_store *s, uint64_t at, size_t len, sp_buf *aside, const char **p, spate_error *err) SP_MUST_CHECK;
/* A block's header and directory, checked. */
int sp_store_directory(sp_store *s, const sp_index_entry *b, sp_buf *aside, const char **p, spate_error *err) SP_MUST_CHECK;
/* Every hash of a block. */
int sp_store_check_block(sp_store *s, uint64_t at, uint64_t size, sp_buf *aside, spate_error *err) SP_MUST_CHECK;
void sp_store_sort(sp_store *s);
int sp_store_write_super(sp_store *s, spate_error *err) SP_MUST_CHECK;
/* Writes bytes where others are, so that a crash leaves the old or the new ones: patches is what sp_patch_add has put together. */
int sp_patch_add(sp_buf *patches, uint64_t at, const void *bytes, uint32_t len) SP_MUST_CHECK;
int sp_store_patch(sp_store *s, const sp_buf *patches, spate_error *err) SP_MUST_CHECK;
int sp_store_broken(sp_store *s, spate_error *err); /* err of the failure that ended writing */

/* recover.c */
int sp_store_add_block(sp_store *s, const sp_index_entry *e) SP_MUST_CHECK; /* to the list; SPATE_E_NOMEM */
int sp_store_load(sp_store *s, uint64_t size, spate_error *err) SP_MUST_CHECK;

#endif
