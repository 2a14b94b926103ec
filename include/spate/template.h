/* spate/template.h - plans that are inside the program, to begin with.
 *
 * A template is the text of a plan whose first line says what it is about. What it lets one choose stands under its key
 * x-parameters, a line each: a name, the value unless another is given, and a comment that says what it means. */
#ifndef SPATE_TEMPLATE_H
#define SPATE_TEMPLATE_H

#include "spate/error.h"
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spate_template {
    const char *name;
    char title[128]; /* what it is about, on one line */
} spate_template;

/* The i-th of them, in the order of their names. False: there are fewer. */
bool spate_template_at(size_t i, spate_template *t);

typedef struct spate_parameter {
    char name[64], value[64], meaning[128];
} spate_parameter;

/* The i-th parameter of a template. False: there are fewer, or no such template. */
bool spate_template_parameter_at(const char *name, size_t i, spate_parameter *p);

typedef struct spate_setting {
    const char *name, *value;
} spate_setting;

/* The text of a template with other values for some of its parameters, which spate_template_free gives back; *len is without the
 * NUL behind it. SPATE_E_USAGE, with those there are as the hint: no such template or parameter, or a value that it cannot have. */
int spate_template_text(const char *name, const spate_setting *settings, size_t n, char **text, size_t *len,
                        spate_error *err);
/* The same as a schema of datagen-cli, in JSON: spate makes the same rows of it. */
int spate_template_json(const char *name, const spate_setting *settings, size_t n, char **text, size_t *len,
                        spate_error *err);
void spate_template_free(char *text); /* NULL is fine */

#ifdef __cplusplus
}
#endif
#endif
