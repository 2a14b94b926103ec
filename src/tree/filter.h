/* filter.h - which children of a folder take part in a migration, and the reason where they do not.
 *
 * Patterns have the syntax and the meaning that .gitignore gives them: the last one that matches decides, "!" takes back, a "/" in
 * front or inside ties a pattern to the root, one at the end asks for folders, "**" spans folders. What is in an excluded folder is
 * never looked at. Sizes and ages count for files alone. A filter that is ready may be used by any number of threads. */
#ifndef SP_TREE_FILTER_H
#define SP_TREE_FILTER_H

#include "tree/adapter.h"

typedef struct sp_pattern {
    const char *text;   /* without "!", and without the slashes at its ends */
    const char *reason; /* "pattern: *.o" */
    bool takes_back, folders_only, tied;
} sp_pattern;

typedef struct sp_filter {
    sp_arena arena;
    sp_pattern *patterns;
    size_t n_patterns, cap;
    uint64_t size_min, size_max;              /* bytes; 0, UINT64_MAX: any */
    int64_t modified_from_ns, modified_to_ns; /* INT64_MIN, INT64_MAX: any */
} sp_filter;

void sp_filter_init(sp_filter *f);
void sp_filter_done(sp_filter *f);
/* One line as it stands in a .gitignore; takes_back: as if it had a "!" in front. Blank lines and comments add nothing. */
int sp_filter_add(sp_filter *f, const char *line, bool takes_back, spate_error *err) SP_MUST_CHECK;
/* All lines of a file. */
int sp_filter_add_file(sp_filter *f, const char *path, spate_error *err) SP_MUST_CHECK;
/* NULL: it takes part. Otherwise why not, in words that live as long as the filter. path: from the root, with a '/' in front. */
const char *sp_filter_excludes(const sp_filter *f, sp_str path, const sp_entry *entry);

/* Does the path (no '/' in front) match? The pattern's '*' and '?' stop at '/'. */
bool sp_filter_matches(const char *pattern, sp_str path);

#endif
