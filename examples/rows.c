/* rows.c - makes rows of a plan and takes them in a function: ./rows examples/shop.yaml */
#include <spate/spate.h>

#include <inttypes.h>
#include <stdio.h>

typedef struct totals {
    uint64_t rows, cents;
} totals;

/* Columns of table "product": id, name, price. A batch is good until this returns. */
static int take(void *arg, const spate_batch *batch, spate_error *err)
{
    totals *sum = arg;
    const spate_column *name = &batch->cells[1], *price = &batch->cells[2];
    const int64_t *cents = price->data; /* numeric(10,2): the value times 100 */
    for (size_t i = 0; i < batch->rows; i++) {
        sum->rows++;
        sum->cents += (uint64_t)cents[i];
        if (batch->first_row + i < 3)
            printf("%-24.*s %3" PRId64 ".%02" PRId64 "\n", (int)(name->offsets[i + 1] - name->offsets[i]),
                   name->bytes + name->offsets[i], cents[i] / 100, cents[i] % 100);
    }
    return 0; /* anything else ends the making; then err says why */
}

int main(int argc, char **argv)
{
    spate_error err = {0};
    spate_plan *plan = NULL;
    totals sum = {0};
    if (argc != 2)
        return 2;
    int rc = spate_plan_open(argv[1], &plan, &err);
    if (rc == 0)
        rc = spate_make(plan, &(spate_make_options){.table = "product"}, take, &sum, &err);
    for (size_t i = 0; rc == SPATE_E_CONFIG && plan && i < spate_plan_mistakes(plan); i++) {
        const spate_mistake *m = spate_plan_mistake(plan, i);
        fprintf(stderr, "%s:%u:%u: %s\n", m->file, m->line, m->column, m->message);
    }
    spate_plan_free(plan);
    if (rc != 0) {
        fprintf(stderr, "rows: %s\n", err.message);
        return 1;
    }
    printf("%" PRIu64 " products for %" PRIu64 ".%02" PRIu64 "\n", sum.rows, sum.cents / 100, sum.cents % 100);
    return 0;
}
