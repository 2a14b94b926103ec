/* test_store_kernels.c - the loops over cells: every set that this processor can run gives the same bits as plain C, and as arithmetic says. */
#include "check.h"
#include "store/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

enum { VECTOR = 1024, ROUNDS = 400 };

static uint64_t state;
static const sp_kernels *kernels[2] = {&sp_kernels_portable}; /* the reference, and a set that is compared with it */

static uint64_t draw(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return sp_mix64(state);
}

static uint64_t low_bits(uint64_t v, unsigned width)
{
    return width == 64 ? v : v & ((UINT64_C(1) << width) - 1);
}

/* Numbers of every width; the line that they are residuals of; where reading begins. */
typedef struct packed {
    alignas(64) uint64_t r[VECTOR], bits[VECTOR + 16];
    unsigned width, lanes, first, places;
    sp_line line;
} packed;

static void pack(packed *x, unsigned width)
{
    uint32_t narrow[VECTOR];
    x->width = width;
    x->lanes = sp_lanes(width);
    x->first = (unsigned)(draw() % (VECTOR / x->lanes));
    x->places = 1 + (unsigned)(draw() % (VECTOR / x->lanes - x->first));
    x->line = (sp_line){draw(), draw() % 3 ? draw() : 0};
    for (uint32_t i = 0; i < VECTOR; i++)
        narrow[i] = (uint32_t)(x->r[i] = low_bits(draw(), width));
    memset(x->bits, 0, sizeof x->bits);
    if (width > 32)
        kernels[1]->pack64(x->r, width, VECTOR / x->lanes, x->bits);
    else
        kernels[1]->pack32(narrow, width, VECTOR / x->lanes, (uint32_t *)x->bits);
}

static void read_64(const sp_kernels *k, const packed *x, unsigned shift, uint64_t *out)
{
    if (x->width > 32)
        k->read64_64(x->bits, x->width, x->first, x->places, x->line, shift, out);
    else
        k->read32_64((const uint32_t *)x->bits, x->width, x->first, x->places, x->line, shift, out);
}

/* Both ways of reading give base + i * step + r(i). */
static void integers_as_computed(void)
{
    static packed x;
    static uint64_t out[2][VECTOR];
    uint32_t wrong = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        pack(&x, round % 65);
        unsigned shift = (unsigned)(draw() % 16);
        uint32_t n = x.places * x.lanes, at = x.first * x.lanes;
        for (unsigned k = 0; k < 2; k++) {
            read_64(kernels[k], &x, shift, out[k]);
            for (uint32_t i = 0; i < n; i++)
                wrong += out[k][i] != (x.line.base + i * x.line.step + x.r[at + i]) << shift;
            if (x.width > 32)
                continue;
            uint32_t *narrow = (uint32_t *)out[k];
            kernels[k]->read32_32((const uint32_t *)x.bits, x.width, x.first, x.places, x.line, shift, narrow);
            for (uint32_t i = 0; i < n; i++)
                wrong += narrow[i] != (uint32_t)(x.line.base + i * x.line.step + x.r[at + i]) << shift;
            uint16_t *narrower = (uint16_t *)out[k];
            kernels[k]->read32_16((const uint32_t *)x.bits, x.width, x.first, x.places, x.line, narrower);
            for (uint32_t i = 0; i < n; i++)
                wrong += narrower[i] != (uint16_t)(x.line.base + i * x.line.step + x.r[at + i]);
            kernels[k]->unpack32((const uint32_t *)x.bits, x.width, x.first, x.places, narrow);
            for (uint32_t i = 0; i < n; i++)
                wrong += narrow[i] != x.r[at + i];
        }
    }
    CHECK_INT(wrong, 0);
}

/* Whole numbers below 2^51, over 10^e: the double that is nearest to the quotient, also where quotients lie next to a tie. */
static void decimals_are_rounded_correctly(void)
{
    static packed x;
    static double out[VECTOR];
    static int64_t whole[2][VECTOR];
    static uint8_t bad[2][VECTOR];
    uint32_t wrong = 0;
    for (unsigned round = 0; round < ROUNDS * 8; round++) {
        unsigned exponent = round % (SP_DECIMAL_EXPONENT_MAX + 1);
        pack(&x, (unsigned)(draw() % 51));
        x.line.step = 0;
        x.line.base = round % 2 ? 0 : -(UINT64_C(1) << 50);
        uint32_t n = x.places * x.lanes, at = x.first * x.lanes;
        for (unsigned k = 0; k < 2; k++) {
            if (x.width > 32)
                kernels[k]->read64_decimal(x.bits, x.width, x.first, x.places, x.line, exponent, out);
            else
                kernels[k]->read32_decimal((const uint32_t *)x.bits, x.width, x.first, x.places, x.line, exponent, out);
            for (uint32_t i = 0; i < n; i++) {
                double want = (double)(int64_t)(x.line.base + x.r[at + i]) / sp_ten_to[exponent];
                wrong += memcmp(&out[i], &want, 8) != 0;
            }
        }
        int64_t low[2], high[2];
        uint32_t not_exact = kernels[0]->to_decimal(out, n, exponent, whole[0], bad[0], &low[0], &high[0]);
        wrong += kernels[1]->to_decimal(out, n, exponent, whole[1], bad[1], &low[1], &high[1]) != not_exact;
        wrong += memcmp(whole[0], whole[1], n * sizeof **whole) != 0 ||
                 (!not_exact && (low[0] != low[1] || high[0] != high[1]));
        for (uint32_t i = 0; not_exact == 0 && i < n; i++)
            wrong +=
                whole[0][i] < low[0] || whole[0][i] > high[0] || (double)whole[0][i] / sp_ten_to[exponent] != out[i];
        out[0] = NAN, out[n / 2] = -0.0, out[n - 1] = 0x1p60;
        for (unsigned k = 0; k < 2; k++)
            kernels[k]->to_decimal(out, n, exponent, whole[k], bad[k], &low[k], &high[k]);
        for (uint32_t i = 0; i < n; i++)
            wrong += bad[0][i] != bad[1][i] || (!bad[0][i] && whole[0][i] != whole[1][i]);
        wrong += !bad[0][0] + !bad[0][n / 2] + !bad[0][n - 1];
    }
    CHECK_INT(wrong, 0);
}

static void sums_and_ranges(void)
{
    static uint64_t v[VECTOR], sums[2][VECTOR];
    static uint32_t narrow[2][VECTOR];
    uint32_t wrong = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t n = 1 + (uint32_t)(draw() % VECTOR);
        sp_line line = {draw(), draw()};
        for (uint32_t i = 0; i < n; i++)
            v[i] = draw();
        for (unsigned k = 0; k < 2; k++) {
            for (uint32_t i = 0; i < n; i++)
                narrow[k][i] = (uint32_t)(sums[k][i] = v[i]);
            kernels[k]->sums64(sums[k], n, line);
            kernels[k]->sums32(narrow[k], n, line);
            uint64_t sum = line.base;
            for (uint32_t i = 0; i < n; i++) {
                sum += i ? line.step + v[i] : 0;
                wrong += sums[k][i] != sum || narrow[k][i] != (uint32_t)sum;
            }
            int64_t low, high, lowest = INT16_MAX, highest = INT16_MIN;
            kernels[k]->range16((const int16_t *)v, n, &low, &high);
            for (uint32_t i = 0; i < n; i++) {
                int16_t cell;
                memcpy(&cell, (const char *)v + 2 * i, 2);
                lowest = SP_MIN(lowest, (int64_t)cell);
                highest = SP_MAX(highest, (int64_t)cell);
            }
            wrong += low != lowest || high != highest;
            int64_t from = (int64_t)draw(), to = (int64_t)draw();
            uint32_t beyond = 0;
            for (uint32_t i = 0; i < n; i++)
                beyond += (int64_t)v[i] < from || (int64_t)v[i] > to;
            wrong += kernels[k]->count_beyond((const int64_t *)v, n, from, to) != beyond;
            int64_t low32[2], high32[2];
            kernels[k]->range32((const int32_t *)v, n, &low32[k], &high32[k]);
            kernels[0]->range32((const int32_t *)v, n, &low32[0], &high32[0]);
            wrong += low32[k] != low32[0] || high32[k] != high32[0];
        }
    }
    CHECK_INT(wrong, 0);
}

/* Narrow columns as they lie: what is left of them, and differences, of 32 bits whatever they are. */
static void narrow_columns(void)
{
    static int32_t v[VECTOR];
    static uint32_t out[VECTOR];
    uint32_t wrong = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t n = 1 + (uint32_t)(draw() % VECTOR), base = (uint32_t)draw(), any = 0;
        for (uint32_t i = 0; i < n; i++)
            v[i] = (int32_t)(round % 2 ? draw() : draw() % 100);
        int32_t least = INT32_MAX;
        for (uint32_t i = 1; i < n; i++)
            least = SP_MIN(least, (int32_t)((uint32_t)v[i] - (uint32_t)v[i - 1]));
        for (unsigned k = 0; k < 2; k++) {
            kernels[k]->narrow32(v, n, base, out);
            for (uint32_t i = 0; i < n; i++)
                wrong += out[i] != (uint32_t)v[i] - base;
            kernels[k]->narrow16((const int16_t *)v, n, base, out);
            for (uint32_t i = 0; i < n; i++)
                wrong += out[i] != (uint32_t)(int32_t)((const int16_t *)v)[i] - base;
            sp_line line = {draw(), draw()};
            kernels[k]->level32(v, n, line, (int32_t *)out);
            for (uint32_t i = 0; i < n; i++)
                wrong += out[i] != (uint32_t)v[i] - (uint32_t)line.base - i * (uint32_t)line.step;
            wrong += kernels[k]->least_delta32(v, n) != least;
            uint32_t got = kernels[k]->deltas32(v, n, (uint32_t)least, out);
            any = 0;
            for (uint32_t i = 0; i < n; i++) {
                wrong += out[i] != (i ? (uint32_t)v[i] - (uint32_t)v[i - 1] - (uint32_t)least : 0);
                any |= out[i];
            }
            wrong += got != any;
        }
    }
    CHECK_INT(wrong, 0);
}

/* Runs of rows of the same lag: what unlag takes apart, lag puts together, by either kind of loops. */
static void rows_from_rows_before(void)
{
    enum { N = 2000, MORE = 16 };
    static int64_t v[N];
    static uint64_t first[2][N + MORE], difference[2][N + MORE], out[N + MORE];
    static uint8_t runs[2 * N];
    uint32_t wrong = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t n = 0, n_runs = 0, first_lag = 1 + (uint32_t)(draw() % 100), lag = first_lag;
        for (uint32_t some; n < N; n += some) {
            uint8_t change = (uint8_t)(draw() % (n < 300 ? 2 : 20) ? 120 + draw() % 17 : 0);
            some = 1 + (uint32_t)(draw() % 255);
            some = SP_MIN(some, N - n);
            change = n == 0 || lag + change <= 128 || lag + change - 128 > n ? 0 : change;
            lag += change ? change - 128u : 0;
            runs[2 * n_runs] = (uint8_t)some;
            runs[2 * n_runs++ + 1] = change;
        }
        for (uint32_t i = 0; i < N; i++)
            v[i] = (int64_t)draw();
        for (unsigned k = 0; k < 2; k++) {
            kernels[k]->unlag64(runs, n_runs, first_lag, (const uint64_t *)v, first[k], difference[k]);
            kernels[1 - k]->lag64(runs, n_runs, first_lag, first[k], difference[k], out);
            wrong += memcmp(out, v, sizeof v) != 0;
            uint32_t *low = (uint32_t *)first[k], *low_difference = (uint32_t *)difference[k], *got = (uint32_t *)out;
            kernels[k]->unlag32(runs, n_runs, first_lag, v, low, low_difference);
            kernels[1 - k]->lag32(runs, n_runs, first_lag, low, low_difference, got);
            for (uint32_t i = 0; i < N; i++)
                wrong += got[i] != (uint32_t)v[i];
            double *d = (double *)first[k];
            unsigned exponent = round % (SP_DECIMAL_EXPONENT_MAX + 1);
            kernels[k]->decimals32((const int32_t *)got, N, exponent, d);
            for (uint32_t i = 0; i < N; i++)
                wrong += d[i] != (double)(int32_t)got[i] / sp_ten_to[exponent];
        }
    }
    CHECK_INT(wrong, 0);
}

/* Four columns become records. */
static void columns_to_records(void)
{
    enum { MOST = 40, STRIDE_MAX = 80 };
    static uint64_t columns[4][MOST];
    static char records[2][MOST * STRIDE_MAX];
    const uint64_t *const in[4] = {columns[0], columns[1], columns[2], columns[3]};
    uint32_t wrong = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t n = 1 + (uint32_t)(draw() % MOST);
        size_t stride = 32 + draw() % (STRIDE_MAX - 32);
        for (uint32_t i = 0; i < n; i++)
            for (unsigned c = 0; c < 4; c++)
                columns[c][i] = draw();
        memset(records, 0, sizeof records);
        for (unsigned k = 0; k < 2; k++) {
            kernels[k]->rows4(in, n, records[k], stride);
            for (uint32_t i = 0; i < n; i++)
                for (unsigned c = 0; c < 4; c++)
                    wrong += memcmp(records[k] + i * stride + 8 * c, &columns[c][i], 8) != 0;
        }
        wrong += memcmp(records[0], records[1], sizeof records[0]) != 0;
    }
    CHECK_INT(wrong, 0);
}

/* Records become columns, which begin at whole lines or do not; what lies behind a column's last cell stays as it is. */
static void records_to_columns(void)
{
    enum { MOST = 40, COLUMNS = 20, STRIDE_MAX = COLUMNS * 8 + 40, PITCH = MOST + 8 };
    static char records[MOST * STRIDE_MAX];
    static alignas(64) uint64_t columns[2][COLUMNS][PITCH];
    uint32_t wrong = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t rows = 1 + (uint32_t)(draw() % MOST), n = 1 + (uint32_t)(draw() % COLUMNS);
        size_t stride = 8 * n + draw() % 40, lines = (rows * 8 + 63) / 64 * 64,
               pitch = round % 2 ? lines : 8 * (rows + draw() % (PITCH - rows + 1));
        for (size_t i = 0; i < sizeof records; i++)
            records[i] = (char)draw();
        memset(columns, 0x55, sizeof columns);
        for (unsigned k = 0; k < 2; k++) {
            kernels[k]->columns(records, stride, rows, n, columns[k][0], pitch);
            for (uint32_t i = 0; i < rows; i++)
                for (uint32_t c = 0; c < n; c++)
                    wrong += memcmp((char *)columns[k] + c * pitch + 8 * i, records + i * stride + 8 * c, 8) != 0;
        }
        wrong += memcmp(columns[0], columns[1], sizeof columns[0]) != 0;
    }
    CHECK_INT(wrong, 0);
}

int main(void)
{
    const char *seed = getenv("SPATE_TEST_SEED");
    state = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    printf("# SPATE_TEST_SEED=%llu\n", (unsigned long long)state);
    for (unsigned i = 0; sp_kernels_set(i); i++) {
        kernels[1] = sp_kernels_set(i);
        printf("# %s\n", kernels[1]->name);
        RUN(integers_as_computed);
        RUN(decimals_are_rounded_correctly);
        RUN(sums_and_ranges);
        RUN(narrow_columns);
        RUN(rows_from_rows_before);
        RUN(columns_to_records);
        RUN(records_to_columns);
    }
    return check_done();
}
