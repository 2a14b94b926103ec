/* templates.c - the plans that are inside the program, and the values of their parameters.
 *
 * Parameters are lines "  name: &name value  # meaning" below "x-parameters:", up to a line that is not indented: YAML as it is,
 * so that the text is a plan by itself, and another value is put in the place of the old. */
#include "spate/template.h"

#include "spate/plan.h"

#include "base/base.h"

#include "job/templates.h"

#include <stdio.h>

static const sp_template_source *find_template(const char *name)
{
    for (size_t i = 0; i < sp_template_count; i++)
        if (strcmp(sp_template_sources[i].name, name) == 0)
            return &sp_template_sources[i];
    return NULL;
}

/* ---- lines of parameters ------------------------------------------------------------------------- */

/* One line, taken apart; its parts are in the template's text. */
typedef struct line {
    sp_str name, value, meaning;
} line;

static sp_str trim(const char *p, const char *end)
{
    while (p < end && *p == ' ')
        p++;
    while (end > p && end[-1] == ' ')
        end--;
    return (sp_str){p, (size_t)(end - p)};
}

/* The line at *at, which goes on to the next one. False: there are no more. */
static bool next_line(const char **at, line *l)
{
    const char *p = *at, *end = p + strcspn(p, "\n"), *colon = memchr(p, ':', (size_t)(end - p));
    if (*p != ' ' || !colon)
        return false;
    const char *mark = memchr(colon, '&', (size_t)(end - colon)), *value = mark ? mark + strcspn(mark, " \n") : end;
    const char *comment = strstr(value, " #");
    comment = comment && comment < end ? comment : end;
    *l = (line){trim(p, colon), trim(value, comment), trim(SP_MIN(comment + 2, end), end)};
    *at = end + (*end == '\n');
    return true;
}

static const char *first_line(const sp_template_source *t)
{
    static const char head[] = "\nx-parameters:";
    const char *p = strstr(t->text, head);
    return p ? p + strlen(head) + strcspn(p + strlen(head), "\n") + 1 : "";
}

static void copy(char *to, size_t size, sp_str from)
{
    snprintf(to, size, "%.*s", (int)from.len, from.p);
}

bool spate_template_at(size_t i, spate_template *t)
{
    if (i >= sp_template_count)
        return false;
    const char *text = sp_template_sources[i].text;
    t->name = sp_template_sources[i].name;
    text += strspn(text, "# ");
    copy(t->title, sizeof(t->title), (sp_str){text, strcspn(text, "\n")});
    return true;
}

bool spate_template_parameter_at(const char *name, size_t i, spate_parameter *p)
{
    const sp_template_source *t = find_template(name);
    const char *at = t ? first_line(t) : "";
    line l;
    for (size_t k = 0; next_line(&at, &l); k++) {
        if (k < i)
            continue;
        copy(p->name, sizeof(p->name), l.name);
        copy(p->value, sizeof(p->value), l.value);
        copy(p->meaning, sizeof(p->meaning), l.meaning);
        return true;
    }
    return false;
}

/* ---- refusals ------------------------------------------------------------------------------------ */

static int no_template(const char *name, spate_error *err)
{
    char names[256] = "";
    for (size_t i = 0; i < sp_template_count; i++)
        snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? ", " : "",
                 sp_template_sources[i].name);
    sp_fail(err, SPATE_E_USAGE, "there is no template \"%s\"", name);
    sp_error_hint(err, "there are %s", names);
    return SPATE_E_USAGE;
}

static int no_parameter(const sp_template_source *t, const char *name, spate_error *err)
{
    char names[256] = "";
    const char *at = first_line(t);
    line l;
    while (next_line(&at, &l))
        snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%.*s", *names ? ", " : "", (int)l.name.len,
                 l.name.p);
    sp_fail(err, SPATE_E_USAGE, "template \"%s\" has no parameter \"%s\"", t->name, name);
    sp_error_hint(err, "it has %s", names);
    return SPATE_E_USAGE;
}

/* A number of rows stays one; anything else is on one line, and the plan's reader looks at it. */
static int check_value(const line *l, const char *value, spate_error *err)
{
    uint64_t rows;
    bool number = sp_str_is(l->value, "~") || (l->value.len && l->value.p[0] >= '0' && l->value.p[0] <= '9' &&
                                               !memchr(l->value.p, '-', l->value.len));
    if (number && !spate_parse_count(value, &rows))
        return sp_fail(err, SPATE_E_USAGE,
                       "parameter \"%.*s\" is a number of rows such as 500, 10k or 1.5M, not \"%s\"",
                       SP_MIN((int)l->name.len, 60), l->name.p, value);
    if (!*value || strpbrk(value, "\n#&*!|>'\"%@`"))
        return sp_fail(err, SPATE_E_USAGE, "parameter \"%.*s\" cannot be \"%s\"", SP_MIN((int)l->name.len, 60),
                       l->name.p, value);
    return SPATE_OK;
}

/* ---- the text ------------------------------------------------------------------------------------ */

static int check_settings(const sp_template_source *t, const spate_setting *settings, size_t n, spate_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const char *at = first_line(t);
        bool found = false;
        for (line l; !found && next_line(&at, &l);) {
            found = sp_str_is(l.name, settings[i].name);
            if (found && check_value(&l, settings[i].value, err) != SPATE_OK)
                return SPATE_E_USAGE;
        }
        if (!found)
            return no_parameter(t, settings[i].name, err);
    }
    return SPATE_OK;
}

/* The last setting of a name counts. */
static sp_str value_of(const line *l, const spate_setting *settings, size_t n)
{
    for (size_t i = n; i-- > 0;)
        if (sp_str_is(l->name, settings[i].name))
            return sp_str_of(settings[i].value);
    return l->value;
}

int spate_template_text(const char *name, const spate_setting *settings, size_t n, char **text, size_t *len,
                        spate_error *err)
{
    const sp_template_source *t = find_template(name);
    *text = NULL;
    if (!t)
        return no_template(name, err);
    int status = check_settings(t, settings, n, err);
    if (status != SPATE_OK)
        return status;
    sp_buf out = {0};
    const char *at = first_line(t), *from = t->text;
    int rc = SPATE_OK;
    for (line l; next_line(&at, &l) && !rc;) {
        sp_str value = value_of(&l, settings, n);
        rc = sp_buf_add(&out, from, (size_t)(l.value.p - from)) || sp_buf_add(&out, value.p, value.len);
        from = l.value.p + l.value.len;
    }
    rc = rc || sp_buf_adds(&out, from) || sp_buf_add(&out, "", 1);
    if (rc) {
        sp_buf_done(&out);
        return sp_fail_nomem(err);
    }
    *text = out.data;
    *len = out.len - 1;
    return SPATE_OK;
}

void spate_template_free(char *text)
{
    sp_free(text);
}
