/* fuzz_plan.c - any bytes as a plan: no crash, no leak, no endless loop; and what comes out keeps its word: every mistake has its
 * words, and a plan without mistakes can be walked from end to end.
 *
 *     ninja -C build fuzz
 *     build/tests/fuzz_plan -dict=tests/fuzz/plan.dict NEW_CORPUS/ tests/fuzz/corpus/plan/
 *
 * With FUZZ_CANARY it has a bug that a fuzzer worth its name finds: no name of a table or column may have "zipf" in it, which is
 * in the dictionary, and in the corpus only as the name of a distribution. */
#include "plan/plan.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define KEEP(cond) ((cond) ? (void)0 : abort())

static void check_mistakes(const spate_plan *plan)
{
    const spate_mistake *last = NULL;
    for (size_t i = 0; i < spate_plan_mistakes(plan); i++) {
        const spate_mistake *m = spate_plan_mistake(plan, i);
        KEEP(m->message[0] && sp_utf8_valid(m->message, strlen(m->message)));
        KEEP(sp_utf8_valid(m->found, strlen(m->found)) && !strchr(m->found, '\n'));
        KEEP(!last || last->line - 1 < m->line - 1 || (last->line == m->line && last->column <= m->column));
        last = m;
    }
}

#ifdef FUZZ_CANARY
#include <stdio.h>

static void look(const char *name)
{
    if (!name || !strstr(name, "zipf"))
        return;
    fputs("the canary is found\n", stderr);
    abort();
}

static void canary(const spate_plan *plan)
{
    for (uint32_t t = 0; t < plan->n_tables; t++) {
        look(plan->tables[t].name);
        for (uint32_t c = 0; c < plan->tables[t].n_columns; c++)
            look(plan->tables[t].columns[c].name);
    }
}
#else
static void canary(const spate_plan *plan)
{
    (void)plan;
}
#endif

static void check_column(const spate_plan *plan, const sp_plan_column *c)
{
    KEEP(c->name[0] && !c->wrong);
    KEEP(c->min_i <= c->max_i && c->min_f <= c->max_f && isfinite(c->max_f - c->min_f));
    KEEP(c->null_rate >= 0 && c->null_rate <= 1);
    KEEP(c->mode != SP_MODE_SET || c->n_items > 0);
    for (uint32_t i = 0; i < c->n_items; i++)
        KEEP(c->items[i].weight >= 0 && sp_utf8_valid(c->items[i].text.p, c->items[i].text.len));
    if (c->mode == SP_MODE_REF)
        KEEP(c->ref_table < plan->n_tables && c->ref_column < plan->tables[c->ref_table].n_columns);
    for (unsigned hops = 0; c->mode == SP_MODE_REF; hops++) {
        KEEP(hops < SP_PLAN_HOPS_MAX);
        c = &plan->tables[c->ref_table].columns[c->ref_column];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    spate_plan *plan = NULL;
    if (sp_plan_parse("fuzz", (const char *)data, len, &plan, NULL) != SPATE_OK)
        return 0;
    check_mistakes(plan);
    canary(plan);
    for (uint32_t t = 0; t < plan->n_tables && !plan->mistakes.n_errors; t++)
        for (uint32_t c = 0; c < plan->tables[t].n_columns; c++)
            check_column(plan, &plan->tables[t].columns[c]);
    if (plan->n_tables) {
        (void)!spate_plan_set_rows(plan, plan->tables[0].name, 1000, NULL);
        check_mistakes(plan);
    }
    spate_plan_free(plan);
    return 0;
}
