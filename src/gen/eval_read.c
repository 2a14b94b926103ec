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
