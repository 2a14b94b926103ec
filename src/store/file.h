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

/* A data or field block, and where a chapter tells of it. */
enum { SP_NO_CHAPTER = UINT32_MAX };
typedef struct sp_block_ref {
    uint64_t at, size, first_row, extra;
    uint32_t table, rows, directory_bytes, type, groups;
    uint32_t chapter, number; /* which one, and the block's number in it */
} sp_block_ref;

/* The list of blocks is whole; or lacks those of the chapters; or must be made from the blocks themselves. */
typedef enum sp_listing { SP_LISTED, SP_LIST_FROM_CHAPTERS, SP_LIST_FROM_BLOCKS } sp_listing;

struct spate_store {
    char *path;
    int fd;
    bool writable, changed;
    const sp_kernels *k;
    sp_superblock super;
    sp_lexicon catalog;
    sp_index_chapter *chapters;
    uint32_t n_chapters, chapters_cap;
    uint32_t n_unlisted; /* chapters at the front whose blocks are not in the list, while it is SP_LIST_FROM_CHAPTERS */
    sp_block_ref *blocks; /* by type, table and first row once sorted; those of chapters when they are first needed */
    uint32_t n_blocks, blocks_cap;
    sp_listing listing;
    bool unsorted;
    sp_damage *damage;
    uint32_t n_damage, damage_cap;
    uint64_t end; /* where the next block goes */
    char *map;
    size_t map_len;
    bool patched;   /* what is mapped is newer than the file: a patch that no writer has finished */
    sp_buf wrapped; /* blocks of everything but rows */
    pthread_mutex_t lock;
    spate_error failed; /* status not 0: nothing may be written any more */
};

typedef struct spate_store sp_store;

int sp_store_create(const char *path, uint64_t user_capacity, sp_store **store, spate_error *err) SP_MUST_CHECK;
int sp_store_open(const char *path, bool write, sp_store **store, spate_error *err) SP_MUST_CHECK;
void sp_store_close(
    sp_store *s); /* NULL is fine; without sp_store_finish the tail is looked at when it is opened again */

/* Appends a built block: data, whose rows count from now on, or a field's. first_row: UINT64_MAX takes the table's next ones. Any thread. */
int sp_store_append(sp_store *s, uint32_t table, uint64_t first_row, sp_buf *block, spate_error *err) SP_MUST_CHECK;
/* What has been appended survives a crash of the machine, when this returns. */
int sp_store_commit(sp_store *s, spate_error *err) SP_MUST_CHECK;
/* The same, with an index that makes the next opening quick. Other threads append nothing meanwhile. */
int sp_store_finish(sp_store *s, spate_error *err) SP_MUST_CHECK;

/* What blocks to come will have: the superblock that counts them in says so. */
void sp_store_note_features(sp_store *s, uint32_t compat, uint32_t incompat);
int sp_store_add_table(sp_store *s, const sp_schema *schema, uint32_t *table, spate_error *err) SP_MUST_CHECK;
int sp_store_name(sp_store *s, sp_str text, uint16_t *name, spate_error *err) SP_MUST_CHECK;

/* The user's bytes. */
int sp_store_user_read(sp_store *s, sp_buf *out, spate_error *err) SP_MUST_CHECK;
int sp_store_user_write(sp_store *s, const void *bytes, size_t len, spate_error *err) SP_MUST_CHECK;

/* Bytes of the file: in the mapping, or read into aside. */
int sp_store_view(sp_store *s, uint64_t at, size_t len, sp_buf *aside, const char **p, spate_error *err) SP_MUST_CHECK;
/* The same for a few bytes here and there: copying them costs less than mapping pages and what lies around them. */
int sp_store_pick(sp_store *s, uint64_t at, size_t len, sp_buf *aside, const char **p, spate_error *err) SP_MUST_CHECK;
/* A block's header and directory, checked. */
int sp_store_directory(sp_store *s, const sp_block_ref *b, sp_buf *aside, const char **p,
                       spate_error *err) SP_MUST_CHECK;
/* Every hash of a block. */
int sp_store_check_block(sp_store *s, uint64_t at, uint64_t size, sp_buf *aside, spate_error *err) SP_MUST_CHECK;
/* Seals a built block that has no rows and writes it at the end. The lock is held, or nobody else is there. */
int sp_store_put(sp_store *s, sp_buf *block, uint64_t *at, spate_error *err) SP_MUST_CHECK;
int sp_store_write_super(sp_store *s, spate_error *err) SP_MUST_CHECK;
/* Writes bytes where others are, so that a crash leaves the old or the new ones: patches is what sp_patch_add has put together. */
int sp_patch_add(sp_buf *patches, uint64_t at, const void *bytes, uint32_t len) SP_MUST_CHECK;
int sp_store_patch(sp_store *s, const sp_buf *patches, spate_error *err) SP_MUST_CHECK;
int sp_store_broken(sp_store *s, spate_error *err); /* err of the failure that ended writing */

/* recover.c */
int sp_store_add_block(sp_store *s, const sp_block_ref *b) SP_MUST_CHECK; /* to the list; SPATE_E_NOMEM */
int sp_store_load(sp_store *s, uint64_t size, spate_error *err) SP_MUST_CHECK;
/* Makes the list of blocks whole and sorted. The lock is held, or nobody else is there. */
int sp_store_list(sp_store *s, spate_error *err) SP_MUST_CHECK;
void sp_store_sort(sp_store *s);

/* ---- chapters (chapter.c) ---------------------------------------------------------------------------------------------- */

/* Where a chapter lies, its directory in memory. */
typedef struct sp_chapter {
    uint64_t at, size;
    sp_buf aside;
    const sp_chapter_head *head;
    const sp_block_entry *blocks;
    const uint32_t *group_rows;
    const sp_run *runs;
} sp_chapter;
/* Opens chapter number i; nothing of c but aside is kept from before. SPATE_E_CORRUPT: it is not sound. */
int sp_chapter_open(sp_store *s, uint32_t i, sp_chapter *c, spate_error *err) SP_MUST_CHECK;
void sp_chapter_done(sp_chapter *c);
/* NULL: no block of the chapter has that field of that table. */
const sp_run *sp_chapter_run(const sp_chapter *c, uint32_t table, uint32_t name);
/* Its entries, checked. */
int sp_chapter_entries(sp_store *s, const sp_chapter *c, const sp_run *run, sp_buf *aside, const sp_run_entry **entries,
                       spate_error *err) SP_MUST_CHECK;
/* Writes chapters of the blocks that are in none yet. */
int sp_chapters_write(sp_store *s, spate_error *err) SP_MUST_CHECK;
/* Every block will be written into a chapter anew. */
void sp_chapters_forget(sp_store *s);
/* The same of a block that is at p: its directory; all of it. */
bool sp_chapter_take(const sp_kernels *k, const char *p, sp_chapter *c) SP_MUST_CHECK;
bool sp_chapter_sound(const sp_kernels *k, const char *p);
/* All hashes anew, for entries that were changed. */
void sp_chapter_rehash(const sp_kernels *k, char *p, const sp_chapter *c);

#endif
