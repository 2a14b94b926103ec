/* copy.h - one thing copied from one tree to another, whole or not at all: made without a name or under a temporary one, given
 * everything that is kept beside the data, then its name. Also the comparison of what is on both sides. Names are those in the folders that the two
 * walkers stand in. */
#ifndef SP_TREE_COPY_H
#define SP_TREE_COPY_H

#include "tree/adapter.h"

enum {
    SP_COPY_TRIES = 3,      /* of a file that changes while it is copied */
    SP_COPY_TEMP_NAME = 32, /* bytes of a temporary name with its NUL */
};

typedef struct sp_copier {
    unsigned keep;     /* sp_keep */
    bool sync_each;    /* the data is on the disk before the file has its name */
    const int *cancel; /* not 0: a large file is given up half way. May be NULL */
    char *buffer;
    sp_buf attributes, target;
    uint64_t bytes; /* of data, since it was opened */
} sp_copier;

int sp_copier_open(sp_copier *c, spate_error *err) SP_MUST_CHECK;
void sp_copier_close(sp_copier *c);

/* The temporary name of a name: the same one every time, so that what a killed run left behind is overwritten. */
void sp_copy_temp_name(const char *name, char temp[SP_COPY_TEMP_NAME]);

/* A file, a symbolic link or a special file. replace: what has the name may be replaced; otherwise that is an error (EEXIST).
 * entry: its type as it was listed goes in, what it was when it was copied comes out. */
int sp_copy_one(sp_copier *c, sp_walker *from, sp_walker *to, const char *name, bool replace, sp_entry *entry,
                spate_error *err) SP_MUST_CHECK;
/* The attributes, owner, mode and times of name ("": of the folders themselves). */
int sp_copy_meta(sp_copier *c, sp_walker *from, sp_walker *to, const char *name, spate_error *err) SP_MUST_CHECK;
/* A further name for what the destination has as existing_path. */
int sp_copy_link(sp_walker *to, sp_str existing_path, const char *name, bool replace, spate_error *err) SP_MUST_CHECK;

/* How what has the same name on both sides differs. */
typedef enum sp_difference {
    SP_SAME,
    SP_DIFFERS_META, /* mode, owner or, for all but files, time */
    SP_DIFFERS_DATA, /* size or time */
    SP_DIFFERS_TYPE,
} sp_difference;
sp_difference sp_compare(const sp_entry *a, const sp_entry *b, int64_t grain_ns, unsigned keep);
int sp_compare_name(sp_walker *a, sp_walker *b, const char *name, int64_t grain_ns, unsigned keep, sp_difference *how,
                    spate_error *err) SP_MUST_CHECK;
/* The same, and where nothing differs: are the bytes of both files (or the targets of both links) the same? By XXH3 of 64 bits. */
int sp_compare_content(sp_copier *c, sp_walker *a, sp_walker *b, const char *name, bool symlink, int64_t grain_ns,
                       unsigned keep, sp_difference *how, bool *same, spate_error *err) SP_MUST_CHECK;

#endif
