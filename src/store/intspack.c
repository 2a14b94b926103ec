/* intspack.c - packing streams of integers: how they are loaded from a column, which way is the shortest, and cells set in place. */
#include "store/ints.h"

enum { PLAN_AGE_MAX = 16 };

static unsigned bits_max(sp_as as)
{
    return sp_as_width(as) == 8 ? 64 : 32;
}

static uint64_t final_bits(const sp_ints_source *s, uint32_t i)
{
    uint64_t bits = 0;
    memcpy(&bits, (const char *)s->data + (size_t)i * sp_as_width(s->as), sp_as_width(s->as));
    return bits;
}

/* ---- loading --------------------------------------------------------------------------------- */

/* A vector's worth of a column as integers, and which of them had no exact one. */
typedef struct vector {
    alignas(64) int64_t v[SP_VECTOR + SP_LANES_32];
    uint8_t bad[SP_VECTOR];
    uint32_t n, n_bad;
    bool ranged; /* low and high are theirs */
    int64_t low, high;
} vector;

static void load_decimals_f32(const float *data, unsigned exponent, vector *x)
{
    double wide[SP_VECTOR];
    for (uint32_t i = 0; i < x->n; i++)
        wide[i] = data[i];
    /* 0.1f is not 0.1: what counts is that the decimal, as a float, is the same again. */
    double ten = sp_ten_to[exponent];
    x->n_bad = 0;
    for (uint32_t i = 0; i < x->n; i++) {
        double whole = __builtin_nearbyint(wide[i] * ten);
        bool fits = whole > -0x1p31 && whole < 0x1p31;
        float back = fits ? (float)((double)(int64_t)whole / ten) : 0; /* -0 is none */
        x->bad[i] = !fits || memcmp(&back, &data[i], 4) != 0;
        x->v[i] = x->bad[i] ? 0 : (int64_t)whole;
        x->n_bad += x->bad[i];
    }
}

static void load_tens(const int64_t *data, unsigned exponent, vector *x)
{
    int64_t ten = (int64_t)sp_pow10[exponent];
    for (uint32_t i = 0; i < x->n; i++) {
        x->v[i] = data[i] / ten;
        x->bad[i] = x->v[i] * ten != data[i];
        x->n_bad += x->bad[i];
    }
}

/* What is not exact takes its neighbour's value, so that it costs no width. */
static void fill_bad(vector *x)
{
    uint32_t first = 0;
    while (first < x->n && x->bad[first])
        first++;
    int64_t last = first < x->n ? x->v[first] : 0;
    for (uint32_t i = 0; i < x->n; i++) {
        if (x->bad[i])
            x->v[i] = last;
        last = x->v[i];
    }
}

static void load(const sp_kernels *k, const sp_ints_source *s, uint32_t from, vector *x)
{
    x->n = SP_MIN(s->count - from, (uint32_t)SP_VECTOR);
    x->n_bad = 0;
    x->ranged = false;
    const char *data = (const char *)s->data + (size_t)from * sp_as_width(s->as);
    switch (s->as) {
    case SP_AS_16: k->widen16((const int16_t *)data, x->n, x->v); break;
    case SP_AS_32: k->widen32((const int32_t *)data, x->n, x->v); break;
    case SP_AS_64: memcpy(x->v, data, (size_t)x->n * 8); break;
    case SP_AS_TENS: load_tens((const int64_t *)data, s->param, x); break;
    case SP_AS_DECIMAL:
        x->n_bad = k->to_decimal((const double *)data, x->n, s->param, x->v, x->bad, &x->low, &x->high);
        x->ranged = x->n_bad == 0;
        break;
    case SP_AS_DECIMAL_F32: load_decimals_f32((const float *)data, s->param, x); break;
    case SP_AS_BITS_64: k->bits64((const uint64_t *)data, x->n, s->param, x->v); break;
    case SP_AS_BITS_32: k->bits32((const uint32_t *)data, x->n, s->param, x->v); break;
    }
    if (x->n_bad)
        fill_bad(x);
}

/* ---- choosing -------------------------------------------------------------------------------- */

/* Takes away first, first + step, ... */
static void subtract_line(vector *x, uint64_t first, uint64_t step)
{
    for (uint32_t i = 0; i < x->n; i++, first += step)
        x->v[i] = (int64_t)((uint64_t)x->v[i] - first);
    x->ranged = false;
}

static void find_range(const sp_kernels *k, vector *x)
{
    if (!x->ranged)
        k->range(x->v, x->n, &x->low, &x->high);
    x->ranged = true;
}

static unsigned flat_width(const vector *x)
{
    return sp_bits_of((uint64_t)x->high - (uint64_t)x->low);
}

/* The rise a value, from the ends. */
static int64_t slope_of(const vector *x)
{
    if (x->n < 2)
        return 0;
    __int128 rise = (__int128)x->v[x->n - 1] - x->v[0], n = x->n - 1;
    __int128 slope = (rise + (rise < 0 ? -n / 2 : n / 2)) / n;
    return slope > INT64_MAX || slope < INT64_MIN ? 0 : (int64_t)slope;
}

static unsigned range_bits(const sp_kernels *k, const int64_t *v, uint32_t n)
{
    int64_t low, high;
    k->range(v, n, &low, &high);
    return sp_bits_of((uint64_t)high - (uint64_t)low);
}

static void to_deltas(const vector *x, int64_t *d)
{
    for (uint32_t i = 1; i < x->n; i++)
        d[i - 1] = (int64_t)((uint64_t)x->v[i] - (uint64_t)x->v[i - 1]);
}

/* What packing with patches takes: the widths that leave out the largest, or the smallest, and the bytes with the best of them. */
typedef struct patching {
    unsigned width;
    bool from_above; /* the small ones are patches */
    size_t bytes;
} patching;

enum { PATCH_BYTES = 10 };

/* From the widest on: those outside become more and more, until they alone take what the best takes. */
static void best_width(const sp_kernels *k, const vector *x, bool from_above, patching *best)
{
    for (unsigned width = flat_width(x); width-- > 0;) {
        int64_t span = (int64_t)((UINT64_C(1) << width) - 1);
        int64_t low = from_above ? (int64_t)((uint64_t)x->high - (uint64_t)span) : x->low,
                high = from_above ? x->high : (int64_t)((uint64_t)x->low + (uint64_t)span);
        size_t patches = (size_t)k->count_beyond(x->v, x->n, low, high) * PATCH_BYTES,
               bytes = sp_packed_bytes(x->n, width) + patches;
        if (bytes < best->bytes)
            *best = (patching){width, from_above, bytes};
        if (patches >= best->bytes)
            return;
    }
}

static patching without_patches(const vector *x)
{
    return (patching){flat_width(x), false, sp_packed_bytes(x->n, flat_width(x))};
}

static sp_ints_plan make_plan(const sp_kernels *k, const sp_ints_source *s)
{
    vector x;
    int64_t d[SP_VECTOR];
    uint32_t vectors = (s->count + SP_VECTOR - 1) / SP_VECTOR;
    load(k, s, vectors / 2 * (uint32_t)SP_VECTOR < s->count ? vectors / 2 * (uint32_t)SP_VECTOR : 0, &x);
    find_range(k, &x);
    unsigned flat = flat_width(&x), most = bits_max(s->as);
    sp_ints_plan plan = {.known = true, .mode = SP_INTS_LINE, .bits = (uint8_t)flat};
    if (flat == 0 || x.n < 4)
        return plan;
    patching with = without_patches(&x);
    best_width(k, &x, false, &with);
    best_width(k, &x, true, &with);
    size_t patched = with.bytes * 8 / x.n;
    plan.patch = patched + 1 < flat;
    plan.from_above = with.from_above;
    unsigned best = plan.patch ? (unsigned)patched + 1 : flat;
    to_deltas(&x, d);
    unsigned delta = range_bits(k, d, x.n - 1);
    subtract_line(&x, 0, (uint64_t)slope_of(&x));
    unsigned sloped = range_bits(k, x.v, x.n);
    if (sloped < best && sloped <= most) {
        plan = (sp_ints_plan){.known = true, .slope = true, .bits = (uint8_t)sloped};
        best = sloped;
    }
    if (delta + 1 < best && delta <= most)
        plan = (sp_ints_plan){.known = true, .mode = SP_INTS_DELTA, .bits = (uint8_t)delta};
    return plan;
}

bool sp_ints_load(const sp_kernels *k, const sp_ints_source *source, int64_t *out, int64_t *low, int64_t *high)
{
    vector x;
    *low = INT64_MAX;
    *high = INT64_MIN;
    for (uint32_t from = 0; from < source->count; from += SP_VECTOR) {
        load(k, source, from, &x);
        if (x.n_bad)
            return false;
        find_range(k, &x);
        *low = SP_MIN(*low, x.low);
        *high = SP_MAX(*high, x.high);
        memcpy(out + from, x.v, (size_t)x.n * 8);
    }
    return true;
}

/* ---- packing --------------------------------------------------------------------------------- */

enum { KEPT = 8 }; /* vectors that are loaded once, though they are looked at twice */

typedef struct packer {
    const sp_kernels *k;
    const sp_ints_source *source;
    sp_ints_plan plan;
    sp_buf *out;
    size_t start; /* of the stream in out */
    int64_t step;
    uint64_t width_sum;
    bool too_wide, too_bad;
    uint32_t bad_left;   /* forced patches that are still allowed */
    vector *kept, spare; /* KEPT of them */
    bool is_kept[KEPT];
} packer;

/* Values from.. as they are; good until the next are asked for. */
static vector *loaded(packer *p, uint32_t from)
{
    uint32_t i = from / SP_VECTOR;
    vector *x = i < KEPT ? &p->kept[i] : &p->spare;
    if (i >= KEPT || !p->is_kept[i])
        load(p->k, p->source, from, x);
    if (i < KEPT)
        p->is_kept[i] = true;
    return x;
}

/* The same, to be changed. */
static vector *taken(packer *p, uint32_t from)
{
    vector *x = loaded(p, from);
    if (from / SP_VECTOR < KEPT)
        p->is_kept[from / SP_VECTOR] = false;
    return x;
}

static int put_patches(packer *p, const vector *x, uint32_t from, const uint8_t *patched, uint32_t n)
{
    size_t positions = sp_round_up((size_t)n * 2, 8), at = p->out->len;
    if (sp_buf_reserve(p->out, positions + (size_t)n * 8) != SPATE_OK)
        return SPATE_E_NOMEM;
    memset(p->out->data + at, 0, positions);
    uint32_t put = 0;
    for (uint32_t i = 0; i < x->n; i++) {
        if (!patched[i])
            continue;
        uint16_t position = (uint16_t)i;
        uint64_t bits = final_bits(p->source, from + i);
        memcpy(p->out->data + at + (size_t)put * 2, &position, 2);
        memcpy(p->out->data + at + positions + (size_t)put * 8, &bits, 8);
        put++;
    }
    SP_ASSERT(put == n);
    p->out->len = at + positions + (size_t)n * 8;
    return SPATE_OK;
}

/* Residuals of up to 32 bits, and room for a whole place behind the last. */
typedef struct narrow {
    alignas(64) uint32_t r[SP_VECTOR + SP_LANES_32];
} narrow;

/* Room for n values behind out, which are then taken to be there. */
static int reserve_bits(packer *p, uint32_t n, unsigned width, void **to)
{
    size_t bytes = sp_packed_bytes(n, width);
    if (sp_buf_reserve(p->out, bytes) != SPATE_OK)
        return SPATE_E_NOMEM;
    *to = p->out->data + p->out->len;
    p->out->len += bytes;
    p->width_sum += (uint64_t)width * n;
    return SPATE_OK;
}

/* Values behind the last one are zero: the same cells give the same bytes. */
static int put_narrow(packer *p, narrow *x, uint32_t n, unsigned width)
{
    void *to;
    if (reserve_bits(p, n, width, &to) != SPATE_OK)
        return SPATE_E_NOMEM;
    memset(x->r + n, 0, SP_LANES_32 * sizeof *x->r);
    if (width)
        p->k->pack32(x->r, width, (n + SP_LANES_32 - 1) / SP_LANES_32, to);
    return SPATE_OK;
}

/* Packs x.v - base behind out. */
static int put_bits(packer *p, const vector *x, int64_t base, unsigned width)
{
    sp_line line = {.base = (uint64_t)base};
    if (width <= 32) {
        narrow low;
        if (width)
            p->k->residuals32(x->v, x->n, line, low.r);
        return put_narrow(p, &low, x->n, width);
    }
    void *to;
    alignas(64) uint64_t r[SP_VECTOR + SP_LANES_64];
    if (reserve_bits(p, x->n, width, &to) != SPATE_OK)
        return SPATE_E_NOMEM;
    p->k->residuals64(x->v, x->n, line, r);
    memset(r + x->n, 0, SP_LANES_64 * sizeof *r);
    p->k->pack64(r, width, (x->n + SP_LANES_64 - 1) / SP_LANES_64, to);
    return SPATE_OK;
}

/* ---- narrow columns, which are packed as they lie -------------------------------------------------------- */

/* Integers of 16 and 32 bits that are counted from a base, or those of 32 from a line: nothing is widened, nothing kept. */
static bool as_they_lie(const packer *p)
{
    return p->source->as <= SP_AS_32 && p->plan.mode == SP_INTS_LINE && !p->plan.patch &&
           (p->step == 0 || p->source->as == SP_AS_32);
}

static uint32_t vector_values(const packer *p, uint32_t from)
{
    return SP_MIN(p->source->count - from, (uint32_t)SP_VECTOR);
}

/* Values of 32 bits, less the line that all of the stream follows. */
static const int32_t *levelled(const packer *p, uint32_t from, uint32_t n, narrow *x)
{
    const int32_t *v = (const int32_t *)p->source->data + from;
    if (p->step == 0)
        return v;
    p->k->level32(v, n, (sp_line){from * (uint64_t)p->step, (uint64_t)p->step}, (int32_t *)x->r);
    return (const int32_t *)x->r;
}

static void range_as_it_lies(const packer *p, uint32_t from, int64_t *low, int64_t *high)
{
    narrow x;
    uint32_t n = vector_values(p, from);
    if (p->source->as == SP_AS_16)
        p->k->range16((const int16_t *)p->source->data + from, n, low, high);
    else
        p->k->range32(levelled(p, from, n, &x), n, low, high);
}

static int put_as_it_lies(packer *p, uint32_t from, int64_t base, unsigned width)
{
    narrow level, x;
    uint32_t n = vector_values(p, from);
    if (p->source->as == SP_AS_16)
        p->k->narrow16((const int16_t *)p->source->data + from, n, (uint32_t)base, x.r);
    else
        p->k->narrow32(levelled(p, from, n, &level), n, (uint32_t)base, x.r);
    return put_narrow(p, &x, n, width);
}

/* Deltas of 32 bits: sums of theirs have the right low bits, and a column of 32 bits has no others. */
static bool as_narrow_deltas(const packer *p)
{
    return p->source->as == SP_AS_32 && p->plan.mode == SP_INTS_DELTA;
}

static int64_t smallest_narrow_delta(const packer *p)
{
    int32_t smallest = INT32_MAX;
    for (uint32_t from = 0; from < p->source->count; from += SP_VECTOR) {
        int32_t least = p->k->least_delta32((const int32_t *)p->source->data + from, vector_values(p, from));
        smallest = SP_MIN(smallest, least);
    }
    return smallest;
}

static int put_narrow_deltas(packer *p, uint32_t from, size_t table)
{
    narrow x;
    const int32_t *v = (const int32_t *)p->source->data + from;
    sp_ints_vector head = {.at = (uint32_t)(p->out->len - p->start), .base = v[0]};
    uint32_t n = vector_values(p, from);
    head.width = (uint8_t)sp_bits_of(p->k->deltas32(v, n, (uint32_t)p->step, x.r));
    memcpy(p->out->data + table, &head, sizeof head);
    return put_narrow(p, &x, n, head.width);
}

/* ---- whole streams ------------------------------------------------------------------------------------------ */

/* Takes what is outside of base..base + 2^width out of the way. */
static uint32_t take_patches(vector *x, int64_t base, unsigned width, uint8_t *patched)
{
    uint32_t n = 0;
    uint64_t limit = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
    for (uint32_t i = 0; i < x->n; i++) {
        bool out = (uint64_t)x->v[i] - (uint64_t)base > limit;
        patched[i] = out || (x->n_bad && x->bad[i]);
        x->v[i] = out ? base : x->v[i];
        n += patched[i];
    }
    return n;
}

static void undo_sum(const packer *p, vector *x, int64_t *base)
{
    *base = x->v[0];
    for (uint32_t i = x->n; i-- > 1;)
        x->v[i] = (int64_t)((uint64_t)x->v[i] - (uint64_t)x->v[i - 1] - (uint64_t)p->step);
    x->v[0] = 0;
    x->ranged = false;
}

/* One vector: its entry at table, its bits and patches behind what is there. */
static int put_vector(packer *p, vector *x, uint32_t from, size_t table)
{
    uint8_t patched[SP_VECTOR];
    sp_ints_vector head = {.at = (uint32_t)(p->out->len - p->start)};
    int64_t pack_base;
    bool patch_out = false;
    if (p->plan.mode == SP_INTS_DELTA) {
        undo_sum(p, x, &head.base);
        find_range(p->k, x);
        pack_base = 0;
        head.width = (uint8_t)sp_bits_of((uint64_t)x->high);
        p->too_wide |= x->low < 0;
    } else {
        if (p->step)
            subtract_line(x, 0, (uint64_t)p->step);
        find_range(p->k, x);
        patching best = without_patches(x);
        head.base = pack_base = x->low;
        if (p->plan.patch)
            best_width(p->k, x, p->plan.from_above, &best);
        patch_out = best.width < flat_width(x);
        head.width = (uint8_t)best.width;
        if (best.from_above)
            head.base = pack_base = (int64_t)((uint64_t)x->high - ((UINT64_C(1) << best.width) - 1));
    }
    p->too_wide |= head.width > bits_max(p->source->as);
    p->too_bad |= x->n_bad > p->bad_left;
    if (p->too_wide || p->too_bad)
        return SPATE_OK;
    p->bad_left -= x->n_bad;
    uint32_t n_patches = x->n_bad;
    if (patch_out)
        n_patches = take_patches(x, pack_base, head.width, patched);
    head.patches = (uint16_t)n_patches;
    int rc = put_bits(p, x, pack_base, head.width);
    if (rc == SPATE_OK && n_patches)
        rc = put_patches(p, x, from, patch_out ? patched : x->bad, n_patches);
    memcpy(p->out->data + table, &head, sizeof head);
    return rc;
}

static void put_header(packer *p, sp_ints_header h)
{
    h.count = p->source->count;
    h.bytes = (uint32_t)(p->out->len - p->start);
    h.mode = p->plan.mode;
    h.step = p->step;
    memcpy(p->out->data + p->start, &h, sizeof h);
}

/* The smallest difference between neighbours: what every delta is counted from. */
static int64_t smallest_delta(packer *p)
{
    int64_t d[SP_VECTOR], smallest = INT64_MAX;
    for (uint32_t from = 0; from < p->source->count; from += SP_VECTOR) {
        int64_t low, high;
        const vector *x = loaded(p, from);
        to_deltas(x, d);
        if (x->n < 2)
            continue;
        p->k->range(d, x->n - 1, &low, &high);
        smallest = SP_MIN(smallest, low);
    }
    return smallest == INT64_MAX ? 0 : smallest;
}

static int64_t slope_of_all(packer *p)
{
    return slope_of(loaded(p, 0));
}

static int put_table(packer *p)
{
    uint32_t vectors = (p->source->count + SP_VECTOR - 1) / SP_VECTOR;
    size_t table = sizeof(sp_ints_header), bytes = table + (size_t)vectors * sizeof(sp_ints_vector);
    if (sp_buf_reserve(p->out, bytes) != SPATE_OK)
        return SPATE_E_NOMEM;
    p->start = p->out->len;
    p->out->len += bytes;
    for (uint32_t i = 0; i < vectors && !p->too_wide && !p->too_bad; i++) {
        uint32_t from = i * SP_VECTOR;
        size_t entry = p->start + table + i * sizeof(sp_ints_vector);
        int rc = as_narrow_deltas(p) ? put_narrow_deltas(p, from, entry) : put_vector(p, taken(p, from), from, entry);
        if (rc != SPATE_OK)
            return rc;
    }
    put_header(p, (sp_ints_header){0});
    return SPATE_OK;
}

/* Values from.., less the line that all of the stream follows. */
static vector *straightened(packer *p, uint32_t from)
{
    if (p->step == 0)
        return loaded(p, from);
    vector *x = taken(p, from);
    subtract_line(x, from * (uint64_t)p->step, (uint64_t)p->step);
    return x;
}

/* What one base and width for all would be; false where a table of them takes less room, or a value is not exact. */
static bool is_uniform(packer *p, int64_t *base, unsigned *width)
{
    uint32_t count = p->source->count;
    int64_t lowest = INT64_MAX, highest = INT64_MIN;
    size_t with_table = 0;
    for (uint32_t from = 0; from < count; from += SP_VECTOR) {
        int64_t low, high;
        if (as_they_lie(p)) {
            range_as_it_lies(p, from, &low, &high);
        } else {
            vector *x = straightened(p, from);
            if (x->n_bad)
                return false;
            find_range(p->k, x);
            low = x->low;
            high = x->high;
        }
        lowest = SP_MIN(lowest, low);
        highest = SP_MAX(highest, high);
        with_table += sp_packed_bytes(vector_values(p, from), sp_bits_of((uint64_t)high - (uint64_t)low)) +
                      sizeof(sp_ints_vector);
    }
    *base = lowest;
    *width = sp_bits_of((uint64_t)highest - (uint64_t)lowest);
    size_t bytes =
        (size_t)(count / SP_VECTOR) * sp_packed_bytes(SP_VECTOR, *width) + sp_packed_bytes(count % SP_VECTOR, *width);
    return bytes <= with_table && *width <= bits_max(p->source->as);
}

static int put_uniform(packer *p, int64_t base, unsigned width)
{
    uint32_t count = p->source->count;
    if (sp_buf_reserve(p->out, sizeof(sp_ints_header)) != SPATE_OK)
        return SPATE_E_NOMEM;
    p->start = p->out->len;
    p->out->len += sizeof(sp_ints_header);
    for (uint32_t from = 0; from < count && width; from += SP_VECTOR) {
        int rc =
            as_they_lie(p) ? put_as_it_lies(p, from, base, width) : put_bits(p, straightened(p, from), base, width);
        if (rc != SPATE_OK)
            return rc;
    }
    put_header(p, (sp_ints_header){.uniform = 1, .width = (uint8_t)width, .base = base});
    return SPATE_OK;
}

static int encode_planned(packer *p)
{
    int64_t base;
    unsigned width;
    memset(p->is_kept, 0, sizeof p->is_kept);
    p->step = as_narrow_deltas(p)             ? smallest_narrow_delta(p)
              : p->plan.mode == SP_INTS_DELTA ? smallest_delta(p)
              : p->plan.slope                 ? slope_of_all(p)
                                              : 0;
    if (p->plan.mode == SP_INTS_LINE && !p->plan.patch && is_uniform(p, &base, &width))
        return put_uniform(p, base, width);
    return put_table(p);
}

/* Clears what a try leaves behind; vectors are not worth clearing. */
static void begin(packer *p, sp_ints_plan plan, uint32_t bad_max)
{
    p->plan = plan;
    p->step = 0;
    p->width_sum = 0;
    p->too_wide = p->too_bad = false;
    p->bad_left = bad_max;
}

int sp_ints_encode(const sp_kernels *k, const sp_ints_source *source, sp_ints_plan *plan, sp_buf *out, bool *given_up)
{
    vector kept[KEPT];
    uint32_t bad_max = given_up ? source->count / 8 : source->count;
    packer p;
    p.k = k;
    p.source = source;
    p.out = out;
    p.kept = kept;
    size_t before = out->len;
    bool planned = plan && plan->known && plan->age < PLAN_AGE_MAX;
    begin(&p, planned ? *plan : make_plan(k, source), bad_max);
    int rc = encode_planned(&p);
    if (rc == SPATE_OK && p.too_wide) { /* the sample promised too much: the plain way always fits */
        out->len = before;
        begin(&p, (sp_ints_plan){.known = true}, bad_max);
        rc = encode_planned(&p);
    }
    if (rc != SPATE_OK || p.too_bad) {
        out->len = before;
        if (given_up)
            *given_up = p.too_bad;
        return rc;
    }
    if (plan) {
        *plan = p.plan;
        plan->age = planned ? plan->age + 1 : 0;
        if (source->count && p.width_sum / source->count > plan->bits + 2u)
            plan->known = false;
    }
    return SPATE_OK;
}

/* ---- setting in place ------------------------------------------------------------------------ */

static bool to_integer(sp_as as, unsigned param, uint64_t bits, uint64_t *v)
{
    const sp_ints_source one = {.as = as, .param = param, .data = &bits, .count = 1};
    vector x;
    x.v[0] = 0;
    load(&sp_kernels_portable, &one, 0, &x);
    *v = (uint64_t)x.v[0];
    if (as == SP_AS_BITS_64 || as == SP_AS_BITS_32)
        return *v << param == bits;
    return x.n_bad == 0;
}

static void put_packed(char *bits, unsigned width, uint32_t i, uint64_t r)
{
    uint32_t lanes = sp_lanes(width), word = width <= 32 ? 32 : 64, bit = i / lanes * width;
    char *lane = bits + (size_t)(bit / word) * SP_ROW_BYTES + (size_t)(i % lanes) * (word / 8);
    unsigned off = bit % word, done = SP_MIN(width, word - off);
    for (unsigned part = 0; part < width; lane += SP_ROW_BYTES, off = 0) {
        uint64_t old = 0, mask = (done == 64 ? UINT64_MAX : (UINT64_C(1) << done) - 1) << off;
        memcpy(&old, lane, word / 8);
        old = (old & ~mask) | (r >> part << off & mask);
        memcpy(lane, &old, word / 8);
        part += done;
        done = width - part;
    }
}

static bool set_patch(const sp_ints *s, const sp_ints_vector *v, char *bytes, uint32_t in_vector, uint32_t in,
                      uint64_t bits)
{
    char *positions = bytes + v->at + sp_packed_bytes(in_vector, v->width),
         *values = positions + sp_round_up((size_t)v->patches * 2, 8);
    for (uint32_t i = 0; i < v->patches; i++) {
        uint16_t position;
        memcpy(&position, positions + (size_t)i * 2, 2);
        if (position == in) {
            memcpy(values + (size_t)i * 8, &bits, 8);
            return true;
        }
    }
    (void)s;
    return false;
}

bool sp_ints_set(const sp_ints *s, char *bytes, uint32_t i, sp_as as, unsigned param, uint64_t final)
{
    uint32_t in = i % SP_VECTOR, of = SP_MIN(s->count - (i - in), (uint32_t)SP_VECTOR);
    sp_ints_vector v = sp_ints_vector_of(s, i / SP_VECTOR);
    if (set_patch(s, &v, bytes, of, in, final))
        return true;
    uint64_t value;
    if (s->mode == SP_INTS_DELTA || !to_integer(as, param, final, &value))
        return false;
    uint64_t r = value - (uint64_t)v.base - in * s->step;
    if (as == SP_AS_32)
        r = (uint32_t)r; /* lines of 32 bits may go round */
    if (sp_bits_of(r) > v.width)
        return false;
    if (v.width)
        put_packed(bytes + v.at, v.width, in, r);
    return true;
}
