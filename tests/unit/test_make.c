/* test_make.c - rows of a plan that are handed to a function. */
#include "ok.h"
#include "spate/spate.h"

#include <stdlib.h>
#include <unistd.h>

static const char text[] =
    "seed: 3\n"
    "tables:\n"
    "  - {name: t, rows: 5000, columns: [{name: id, inc: 1}, {name: who, value: '${name}', null: 20%},\n"
    "     {name: tags, array: '${city}', props: {min: 3, max: 3}}]}\n"
    "  - {name: none, rows: 0, columns: [{name: id, inc: 1}]}\n";

static spate_error err;

static spate_plan *plan_of(const char *yaml, int want)
{
    spate_plan *plan = NULL;
    err = (spate_error){0};
    CHECK_INT(spate_plan_read("t.yaml", yaml, strlen(yaml), &plan, &err), want);
    for (size_t i = 0; plan && want == SPATE_OK && i < spate_plan_mistakes(plan); i++)
        printf("# %s\n", spate_plan_mistake(plan, i)->message);
    return plan;
}

/* Cells as a line each, from the first row that was handed over. */
typedef struct taken {
    char *lines[5000];
    uint64_t first, n, batches, stop_at;
} taken;

static int take(void *arg, const spate_batch *b, spate_error *e)
{
    taken *t = arg;
    CHECK_INT(b->n_columns, 3);
    CHECK_STR(b->columns[1].name, "who");
    CHECK(b->columns[1].nullable && b->columns[2].type.kind == SPATE_LIST && b->columns[2].type.item);
    t->first = t->batches++ ? t->first : b->first_row;
    CHECK_INT(b->first_row, t->first + t->n);
    for (size_t i = 0; i < b->rows; i++) {
        const spate_column *who = &b->cells[1], *tags = &b->cells[2];
        bool null = who->validity && !(who->validity[i / 8] >> (i % 8) & 1);
        int at = tags->offsets[i], items = tags->offsets[i + 1] - at;
        int len = null ? 0 : who->offsets[i + 1] - who->offsets[i];
        CHECK_INT(items, 3);
        if (asprintf(&t->lines[t->n++], "%lld %s%.*s %d %zu", (long long)((const int64_t *)b->cells[0].data)[i],
                     null ? "null" : "", len, null ? "" : who->bytes + who->offsets[i], items,
                     (size_t)(tags->child->offsets[at + 3] - tags->child->offsets[at])) < 0)
            abort();
    }
    return t->stop_at && t->n >= t->stop_at ? 42 : 0;
}

static void drop(taken *t)
{
    for (uint64_t i = 0; i < t->n; i++)
        free(t->lines[i]);
    free(t);
}

static taken *rows(spate_plan *plan, uint64_t first, uint64_t last, const uint64_t *seed)
{
    taken *t = calloc(1, sizeof *t);
    spate_make_options options = {.table = "t", .first_row = first, .last_row = last, .seed = seed};
    OK(spate_make(plan, &options, take, t, &err));
    return t;
}

static void a_range_is_what_it_is_in_the_whole(void)
{
    spate_plan *plan = plan_of(text, SPATE_OK);
    uint64_t same = 3, other = 4;
    taken *all = rows(plan, 0, 0, NULL), *some = rows(plan, 2040, 2060, &same), *tail = rows(plan, 4990, 90000, NULL),
          *else_ = rows(plan, 2040, 2060, &other);
    CHECK_INT(all->n, 5000);
    CHECK(all->batches > 1);
    CHECK_INT(some->n, 20);
    CHECK_INT(tail->n, 10);
    int differ = 0;
    for (uint64_t i = 0; i < some->n; i++) {
        CHECK_STR(some->lines[i], all->lines[2040 + i]);
        differ += strcmp(else_->lines[i], all->lines[2040 + i]) != 0;
    }
    CHECK(differ > 10);
    for (uint64_t i = 0; i < tail->n; i++)
        CHECK_STR(tail->lines[i], all->lines[4990 + i]);
    drop(all);
    drop(some);
    drop(tail);
    drop(else_);
    spate_plan_free(plan);
}

static void the_function_may_stop(void)
{
    spate_plan *plan = plan_of(text, SPATE_OK);
    taken *t = calloc(1, sizeof *t);
    t->stop_at = 1;
    CHECK_INT(spate_make(plan, &(spate_make_options){.table = "t"}, take, t, &err), 42);
    CHECK_INT(t->batches, 1);
    drop(t);
    spate_plan_free(plan);
}

static void nothing_is_handed_over(void)
{
    spate_plan *plan = plan_of(text, SPATE_OK);
    OK(spate_make(plan, &(spate_make_options){.table = "none"}, NULL, NULL, &err));
    OK(spate_make(plan, &(spate_make_options){.table = "t", .first_row = 5000}, NULL, NULL, &err));
    CHECK_INT(spate_make(plan, &(spate_make_options){.table = "u"}, NULL, NULL, &err), SPATE_E_USAGE);
    CHECK_STR(err.message, "the plan has no table \"u\"");
    CHECK_INT(spate_make(plan, &(spate_make_options){0}, NULL, NULL, &err), SPATE_E_USAGE);
    spate_plan_free(plan);
    plan = plan_of("tables: [{name: t, rows: 3, columns: [{name: id, vale: 1}]}]", SPATE_E_CONFIG);
    CHECK_INT(spate_make(plan, &(spate_make_options){.table = "t"}, NULL, NULL, &err), SPATE_E_CONFIG);
    spate_plan_free(plan);
}

/* The columns fit a store as they are. */
static int append(void *arg, const spate_batch *b, spate_error *e)
{
    return spate_append_columns(arg, b->cells, b->rows, e);
}

static int add_table(void *arg, const spate_batch *b, spate_error *e)
{
    uint32_t table;
    int rc = spate_store_add_table(arg, "t", b->columns, b->n_columns, &table, e);
    return rc ? rc : 1; /* no further batch is needed */
}

static void rows_go_into_a_store(void)
{
    char path[] = "/tmp/spate-test-make-XXXXXX";
    close(mkstemp(path));
    unlink(path);
    spate_plan *plan = plan_of(text, SPATE_OK);
    spate_store *store = NULL;
    spate_appender *a = NULL;
    spate_table info;
    spate_make_options options = {.table = "t", .last_row = 3000};
    OK(spate_store_create(path, 0, &store, &err));
    CHECK_INT(spate_make(plan, &options, add_table, store, &err), 1);
    OK(spate_appender_open(store, 0, &a, &err));
    OK(spate_make(plan, &options, append, a, &err));
    OK(spate_appender_flush(a, &err));
    spate_appender_close(a);
    OK(spate_store_finish(store, &err));
    OK(spate_store_table(store, 0, &info, &err));
    CHECK_INT(info.rows, 3000);
    spate_table_done(&info);
    spate_store_close(store);
    spate_plan_free(plan);
    unlink(path);
}

int main(void)
{
    RUN(a_range_is_what_it_is_in_the_whole);
    RUN(the_function_may_stop);
    RUN(nothing_is_handed_over);
    RUN(rows_go_into_a_store);
    return check_done();
}
