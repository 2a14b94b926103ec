/* template.h - private to the command line: templates with the values that --param gives them. */
#ifndef SP_CLI_TEMPLATE_H
#define SP_CLI_TEMPLATE_H

#include "cli/cli.h"

/* The text of a template, for spate_template_free; NULL: what is wrong has been said, and *code is what to end with. */
char *template_text(const invocation *in, const char *name, size_t *len, int *code);

int run_template_list(const invocation *in);
int run_template_show(const invocation *in);

#endif
