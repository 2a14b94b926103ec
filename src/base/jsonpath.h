/* jsonpath.h - where in a document of JSON: $.customer.emails[*], as a list of steps. Which values are there is codec's to find. */
#ifndef SP_BASE_JSONPATH_H
#define SP_BASE_JSONPATH_H

#include "base/base.h"

typedef enum sp_json_step_kind {
    SP_JSON_NAMED, /* the member of an object with that name */
    SP_JSON_ITEM,  /* an item of a list, counted from 0 */
    SP_JSON_ANY,   /* every member, every item */
} sp_json_step_kind;

typedef struct sp_json_step {
    sp_json_step_kind kind;
    bool deep; /* from the value, or from whatever is in it, at any depth */
    sp_str name;
    uint64_t item;
} sp_json_step;

typedef struct sp_json_path {
    const sp_json_step *steps;
    uint32_t n;
} sp_json_path;

/* Reads a path: $ may be left out; .name, ['any name'], [0], [*], .* and ..name. It has a step at least. False: text is none, and
 * *why says why; *why NULL: no memory. */
bool sp_json_path_parse(sp_arena *arena, sp_str text, sp_json_path *path, const char **why) SP_MUST_CHECK;
bool sp_json_path_eq(const sp_json_path *a, const sp_json_path *b);

#endif
