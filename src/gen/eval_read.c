/* eval_read.c - steps that read texts as numbers and moments, draw between two columns, and tell what was counted of a column. What is
 * none is null. */
#include "gen/eval.h"

/* A whole number, perhaps one that is written with a fraction. */
static bool read_word(const sp_step *s, sp_str text, int64_t *v)
{
    double f;
    if (!sp_parse_i64(text, v)) {
        if (!sp_parse_f64(text, &f) || !(f > -9e18 && f < 9e18))
            return false;
        *v = (int64_t)(f < 0 ? f - 0.5 : f + 0.5);
    }
    return *v >= s->min && *v <= s->max;
}

/* By the layout, if there is one. */
static bool read_moment(const sp_step *s, sp_str text, int64_t *v)
{
    return text.len && (s->layout ? sp_layout_parse(s->layout, text, v) : sp_parse_timestamp(text, v));
}

static int read_all(const sp_step *s, const sp_rows *r, sp_column *out,
                    bool (*read)(const sp_step *s, sp_str text, int64_t *v))
{
    const sp_column *a = sp_step_arg(s, r, 0);
    int64_t *v = out->data;
    sp_join_nulls(s, r, out);
    for (uint32_t i = 0; i < r->n; i++)
        if (sp_column_null(a, i) || !read(s, sp_column_str(a, i), &v[i])) {
            v[i] = 0;
            sp_set_null(out, r, i);
        }
    return SPATE_OK;
}

int sp_run_read_word(const sp_step *s, const sp_rows *r, sp_column *out)
{
    return read_all(s, r, out, read_word);
}

int sp_run_read_moment(const sp_step *s, const sp_rows *r, sp_column *out)
{
    return read_all(s, r, out, read_moment);
}

int sp_run_read_real(const sp_step *s, const sp_rows *r, sp_column *out)
{
    const sp_column *a = sp_step_arg(s, r, 0);
    double *v = out->data;
    sp_join_nulls(s, r, out);
    for (uint32_t i = 0; i < r->n; i++)
        if (sp_column_null(a, i) || !sp_parse_f64(sp_column_str(a, i), &v[i])) {
            v[i] = 0;
            sp_set_null(out, r, i);
        }
    return SPATE_OK;
}

/* Both ends count, whichever is the larger. */
int sp_run_random_between(const sp_step *s, const sp_rows *r, sp_column *out)
{
    const int64_t *a = sp_step_arg(s, r, 0)->data, *b = sp_step_arg(s, r, 1)->data;
    int64_t *v = out->data;
    sp_join_nulls(s, r, out);
    for (uint32_t i = 0; i < r->n; i++) {
        uint64_t low = (uint64_t)SP_MIN(a[i], b[i]), high = (uint64_t)SP_MAX(a[i], b[i]),
                 draw = sp_draw(s->key, r->rows[i]);
        v[i] = (int64_t)(low + (high - low == UINT64_MAX ? draw : sp_bounded(draw, high - low + 1)));
    }
    return SPATE_OK;
}

/* Numbers at whole places, and a smooth way from each to the next. */
static double wave(uint64_t key, double at)
{
    int64_t place = (int64_t)at - (at < (double)(int64_t)at);
    double f = at - (double)place, from = sp_unit(sp_draw(key, (uint64_t)place)),
           to = sp_unit(sp_draw(key, (uint64_t)place + 1));
    return from + (to - from) * (f * f * (3 - 2 * f));
}

/* Waves of which each is twice as fast as the one before and its power half, as those of a random walk are. Any value can be made
 * without the ones before it. */
static double drift(uint64_t key, double at)
{
    enum { WAVES = 8 };
    const double fall = 0.70710678118654752;
    double sum = 0, most = 0, height = 1;
    if (!(at > -0x1p50 && at < 0x1p50))
        at = 0;
    for (unsigned k = 0; k < WAVES; k++, at *= 2, height *= fall) {
        sum += height * wave(key + k * SP_PHI, at);
        most += height;
    }
    return sum / most;
}

int sp_run_drift(const sp_step *s, const sp_rows *r, sp_column *out)
{
    const double *at = sp_step_arg(s, r, 0)->data;
    const int64_t *of = s->n_args > 1 ? sp_step_arg(s, r, 1)->data : NULL;
    sp_join_nulls(s, r, out);
    for (uint32_t i = 0; i < r->n; i++)
        ((double *)out->data)[i] = drift(of ? sp_draw(s->key, (uint64_t)of[i]) : s->key, at[i]);
    return SPATE_OK;
}

int sp_run_number(const sp_step *s, const sp_rows *r, sp_column *out)
{
    for (uint32_t i = 0; i < r->n; i++)
        ((int64_t *)out->data)[i] = r->rows[i] < s->n_numbers ? s->numbers[r->rows[i]] : 0;
    return SPATE_OK;
}

int sp_run_ends(const sp_step *s, const sp_rows *r, sp_column *out)
{
    const sp_column *a = sp_step_arg(s, r, 0), *b = sp_step_arg(s, r, 1);
    sp_join_nulls(s, r, out);
    for (uint32_t i = 0; i < r->n; i++) {
        sp_str text = sp_column_str(a, i), end = sp_column_str(b, i);
        ((int64_t *)out->data)[i] = text.len >= end.len && memcmp(text.p + text.len - end.len, end.p, end.len) == 0;
    }
    return SPATE_OK;
}

int sp_run_matches(const sp_step *s, const sp_rows *r, sp_column *out)
{
    const sp_column *a = sp_step_arg(s, r, 0);
    sp_join_nulls(s, r, out);
    for (uint32_t i = 0; i < r->n; i++)
        ((int64_t *)out->data)[i] = !sp_column_null(a, i) && sp_matcher_finds(s->matcher, sp_column_str(a, i));
    return SPATE_OK;
}

/* ---- rows that a condition leaves out ---- */

static uint32_t depth_of(const sp_step *first)
{
    uint32_t depth = 1;
    for (const sp_step *s = first; s; s = s->next) {
        depth = s->cell ? SP_MAX(depth, s->cell->depth + 1) : depth;
        depth = s->parents ? SP_MAX(depth, sp_parents_depth(s->parents) + 1) : depth;
    }
    return depth;
}

/* How many of the rows there are before the one that is left out; r->n: none is. -1: no memory. */
static int first_left_out(const sp_rows *r, const sp_step *first, const sp_step *condition)
{
    sp_column *out = NULL;
    for (const sp_step *s = first; s; s = s == condition ? NULL : s->next) {
        out = sp_scratch_temp(r->scratch, s->temp);
        if (!out)
            return -1;
        out->validity = NULL;
        if (s->run(s, r, out) != SPATE_OK)
            return -1;
    }
    uint32_t i = 0;
    while (i < r->n && !sp_column_null(out, i) && ((const int64_t *)out->data)[i])
        i++;
    return (int)i;
}

/* A batch of rows is asked as if none of them was left out, and again from behind the first that is: with as many rows as there may be up
 * to the next one, so that the time is that of all rows, however many are left out. */
bool sp_eval_left_out(const sp_build *b, const sp_step *first, const sp_step *condition, uint32_t *numbers)
{
    sp_gen_scratch *scratch = NULL;
    uint64_t *rows = sp_alloc(SP_BATCH_ROWS_MAX * sizeof(*rows)), all = b->table->rows;
    uint32_t left_out = 0, n = 1;
    bool good = rows && sp_build_scratch(b, depth_of(first), &scratch) == SPATE_OK;
    for (uint64_t row = 0; good && row < all;) {
        n = (uint32_t)SP_MIN(SP_MIN((uint64_t)n, all - row), (uint64_t)SP_BATCH_ROWS_MAX / 2);
        for (uint32_t i = 0; i < n; i++) {
            rows[i] = row + i;
            numbers[row + i] = left_out;
        }
        sp_frame before = sp_scratch_enter(scratch, rows, n);
        int kept = first_left_out(&(sp_rows){rows, n, scratch}, first, condition);
        sp_scratch_leave(scratch, before);
        good = kept >= 0;
        bool one = good && (uint32_t)kept < n;
        for (uint32_t i = 0; good && i < (uint32_t)kept + one; i++) /* nothing asks for these any more */
            numbers[row + i] = 2 * left_out + (i == (uint32_t)kept);
        left_out += one;
        row += good ? (uint32_t)kept + one : 0;
        n = one ? (uint32_t)kept + 1 : 2 * n;
    }
    sp_gen_scratch_free(scratch);
    sp_free(rows);
    return good;
}
