/* templates.h - private to templates.c: the plans that are inside the program, as tools/embed.py puts them there. */
#ifndef SP_JOB_TEMPLATES_H
#define SP_JOB_TEMPLATES_H

#include <stddef.h>

typedef struct sp_template_source {
    const char *name, *text;
} sp_template_source;
extern const sp_template_source sp_template_sources[]; /* by name */
extern const size_t sp_template_count;

#endif
