/* fused.c - the ceiling: the users table (uuid, e-mail, full name, timestamp) as CSV, written by hand for exactly that.
 *
 * Same rules as the real thing: each cell is a splitmix64 draw of (column key, row), so any row can be made alone. But no
 * plan, no nulls, no quoting checks, no batches: one loop knows everything, and what is left is the cost of the bytes.
 * Draws of eight rows at a time become table indices in vector registers; then text is laid down with wide overlapping
 * stores, each advancing by a looked-up length. Measured against: one pass over 64-row blocks (30 % slower), 4 KiB pages,
 * a table of all four-digit numbers (8 % slower), other buffer sizes (16 KiB to 256 KiB, slower or equal).
 *
 *   fused [--rows N] [--threads N] [--to FILE] [--scalar]      prints one line of JSON */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#define HAVE_X86 1
#endif

enum {
    FIRST_N = 3000,
    LAST_N = 1000,
    DOMAIN_N = 1024,
    DAYS_N = 3653, /* 2015-01-01 up to 2025-01-01 */
    STEP = 8,      /* rows drawn together */
    BLOCK_ROWS = 256,
    ROW_MAX = 192,
    BUFFER = 64 << 10, /* with the tables (170 KiB) well inside half a MiB of L2 */
};
#define RANGE_SECONDS ((uint64_t)DAYS_N * 86400)
#define PHI           UINT64_C(0x9e3779b97f4a7c15)

/* The last byte of a slot is the length of the text, so that one cache line answers both. */
typedef struct word16 {
    char text[15];
    uint8_t len;
} word16;
typedef struct word32 {
    char text[31];
    uint8_t len;
} word32;

struct tables {
    word16 first[FIRST_N];     /* "Tobias " */
    word16 last[LAST_N];       /* "Merino," */
    word16 last_lower[LAST_N]; /* ",merino" */
    word32 domain[DOMAIN_N];   /* "@brightcompany.example," */
    char day[DAYS_N][16];      /* "2016-02-29T" */
    char minute[1440][8];      /* "23:59:" */
    char second[60][4];        /* "59Z\n" */
};

static inline uint64_t mix64(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint64_t draw(uint64_t key, uint64_t row)
{
    return mix64(key + row * PHI);
}

/* ---- tables --------------------------------------------------------------------------------------------------- */

/* A pronounceable word of two or three syllables; z decides everything. */
static unsigned word_make(uint64_t z, unsigned syllables, char *out)
{
    static const char *const onset[] = {"b", "br", "c", "d", "f", "g", "h", "j",
                                        "k", "l",  "m", "n", "p", "r", "s", "t"};
    static const char *const vowel[] = {"a", "e", "i", "o", "u", "a", "e", "ia"};
    static const char *const coda[] = {"", "n", "r", "s", "l", "", "", "m"};
    char *p = out;
    for (unsigned i = 0; i < syllables; i++, z >>= 10) {
        p = stpcpy(p, onset[z & 15]);
        p = stpcpy(p, vowel[z >> 4 & 7]);
        p = stpcpy(p, coda[z >> 7 & 7]);
    }
    return (unsigned)(p - out);
}

static void slot_set(char *slot, size_t size, const char *text)
{
    size_t len = strlen(text);
    if (len > size - 1)
        len = size - 1;
    memcpy(slot, text, len);
    slot[size - 1] = (char)len;
}

static void tables_make(struct tables *t)
{
    char a[64], b[64], text[200];
    for (unsigned i = 0; i < FIRST_N; i++) {
        uint64_t z = draw(1, i);
        word_make(z >> 8, 2 + (z & 3) / 2, a);
        a[0] = (char)(a[0] - 32);
        a[13] = 0;
        snprintf(text, sizeof text, "%s ", a);
        slot_set((char *)&t->first[i], 16, text);
    }
    for (unsigned i = 0; i < LAST_N; i++) {
        uint64_t z = draw(2, i);
        word_make(z >> 8, 2 + (z & 3) / 2, a);
        a[13] = 0;
        snprintf(text, sizeof text, ",%s", a);
        slot_set((char *)&t->last_lower[i], 16, text);
        a[0] = (char)(a[0] - 32);
        snprintf(text, sizeof text, "%s,", a);
        slot_set((char *)&t->last[i], 16, text);
    }
    for (unsigned i = 0; i < DOMAIN_N; i++) {
        static const char *const tld[] = {"com", "net", "org", "info"};
        uint64_t z = draw(3, i), y = draw(4, i);
        word_make(z >> 8, 3, a);
        word_make(y >> 8, 3, b);
        a[12] = 0;
        b[12] = 0;
        snprintf(text, sizeof text, "@%s%s.%s,", a, b, tld[z & 3]);
        slot_set((char *)&t->domain[i], 32, text);
    }
    int year = 2015, month = 1, day = 1;
    for (unsigned i = 0; i < DAYS_N; i++) {
        static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        snprintf(text, sizeof text, "%04d-%02d-%02dT", year, month, day);
        memcpy(t->day[i], text, 12);
        if (++day > month_days[month - 1] + (month == 2 && year % 4 == 0)) {
            day = 1;
            if (++month > 12) {
                month = 1;
                year++;
            }
        }
    }
    for (unsigned i = 0; i < 1440; i++) {
        snprintf(text, sizeof text, "%02u:%02u:", i / 60, i % 60);
        memcpy(t->minute[i], text, 7);
    }
    for (unsigned i = 0; i < 60; i++) {
        snprintf(text, sizeof text, "%02uZ\n", i);
        memcpy(t->second[i], text, 4);
    }
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static const uint64_t key_uuid_hi = UINT64_C(0x71f2d50cab3f1b07), key_uuid_lo = UINT64_C(0x3c1d6a0a2a5c9e41),
                      key_person = UINT64_C(0x58d9e0d2a8a2b1c3), key_created = UINT64_C(0x99b3f3d9f1d87a63);
/* Exact for what they divide: 32 bits by 60, and the minutes of ten years by 1440. */
#define DIV60_MUL   UINT64_C(2290649225)
#define DIV1440_MUL UINT64_C(3054198967)

/* What the tables are asked for, as 64-bit numbers: no packing behind the vector code, no widening before an address. */
typedef struct picks {
    uint64_t first[STEP], last[STEP], digits[STEP], domain[STEP], day[STEP], minute[STEP], second[STEP];
} __attribute__((aligned(32))) picks;

/* Everything behind the uuid. */
static inline __attribute__((always_inline)) char *put_rest(char *p, const struct tables *t, const picks *k, unsigned i)
{
    const word16 *low = &t->last_lower[k->last[i]], *last = &t->last[k->last[i]], *first = &t->first[k->first[i]];
    const word32 *domain = &t->domain[k->domain[i]];
    memcpy(p, low, 16);
    p += low->len;
    memcpy(p, &k->digits[i], 4);
    memcpy(p + 4, domain, 32);
    p += 4 + domain->len;
    memcpy(p, first, 16);
    p += first->len;
    memcpy(p, last, 16);
    p += last->len;
    memcpy(p, t->day[k->day[i]], 16);
    memcpy(p + 11, t->minute[k->minute[i]], 8);
    memcpy(p + 17, t->second[k->second[i]], 4);
    return p + 21;
}

static char *rows_put_scalar(char *p, const struct tables *t, uint64_t row, uint64_t n)
{
    static const char hex[] = "0123456789abcdef";
    for (; n > 0; n--, row++) {
        uint64_t uuid[2] = {draw(key_uuid_hi, row), draw(key_uuid_lo, row)};
        uint8_t bytes[16];
        memcpy(bytes, uuid, 16);
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        for (unsigned i = 0; i < 16; i++) {
            if (i == 4 || i == 6 || i == 8 || i == 10)
                *p++ = '-';
            *p++ = hex[bytes[i] >> 4];
            *p++ = hex[bytes[i] & 15];
        }
        uint64_t z = draw(key_person, row), a = (uint32_t)z * (uint64_t)FIRST_N, b = (z >> 32) * 10000;
        uint64_t s = (uint32_t)draw(key_created, row) * RANGE_SECONDS >> 32, minutes = s * DIV60_MUL >> 37;
        picks k;
        k.first[0] = a >> 32;
        k.last[0] = (uint32_t)a * (uint64_t)LAST_N >> 32;
        uint32_t d = (uint32_t)(b >> 32);
        k.digits[0] = 0x30303030 + (d / 1000 | d / 100 % 10 << 8 | d / 10 % 10 << 16 | d % 10 << 24);
        k.domain[0] = (uint32_t)b * (uint64_t)DOMAIN_N >> 32;
        k.day[0] = minutes * DIV1440_MUL >> 42;
        k.minute[0] = minutes - k.day[0] * 1440;
        k.second[0] = s - minutes * 60;
        p = put_rest(p, t, &k, 0);
    }
    return p;
}

#ifdef HAVE_X86
#define AVX2 __attribute__((target("avx2,bmi,bmi2"), always_inline)) static inline

AVX2 __m256i mul64(__m256i a, uint64_t by)
{
    __m256i low = _mm256_set1_epi64x((long long)(by & 0xffffffff)), high = _mm256_set1_epi64x((long long)(by >> 32));
    __m256i cross = _mm256_add_epi64(_mm256_mul_epu32(a, high), _mm256_mul_epu32(_mm256_srli_epi64(a, 32), low));
    return _mm256_add_epi64(_mm256_mul_epu32(a, low), _mm256_slli_epi64(cross, 32));
}

AVX2 __m256i mix64x4(__m256i z)
{
    z = mul64(_mm256_xor_si256(z, _mm256_srli_epi64(z, 30)), UINT64_C(0xbf58476d1ce4e5b9));
    z = mul64(_mm256_xor_si256(z, _mm256_srli_epi64(z, 27)), UINT64_C(0x94d049bb133111eb));
    return _mm256_xor_si256(z, _mm256_srli_epi64(z, 31));
}

AVX2 __m256i scale(__m256i z, uint64_t n)
{
    return _mm256_mul_epu32(z, _mm256_set1_epi64x((long long)n));
}

/* 0..9999 in each 64-bit lane to four ASCII digits in its low 32 bits: by 100 in halves, then by 10 in bytes. */
AVX2 __m256i digits4(__m256i d)
{
    __m256i hundreds = _mm256_srli_epi32(_mm256_mul_epu32(d, _mm256_set1_epi64x(5243)), 19);
    __m256i x = _mm256_or_si256(hundreds, _mm256_slli_epi64(_mm256_sub_epi64(d, scale(hundreds, 100)), 16));
    __m256i tens = _mm256_srli_epi16(_mm256_mullo_epi16(x, _mm256_set1_epi16(205)), 11);
    __m256i ones = _mm256_sub_epi16(x, _mm256_mullo_epi16(tens, _mm256_set1_epi16(10)));
    __m256i both = _mm256_or_si256(tens, _mm256_slli_epi16(ones, 8));
    return _mm256_add_epi8(both, _mm256_set1_epi8('0'));
}

/* z: a person's draws of four rows; y: a timestamp's. */
AVX2 void pick(picks *k, unsigned at, __m256i z, __m256i y)
{
    __m256i a = scale(z, FIRST_N), b = scale(_mm256_srli_epi64(z, 32), 10000);
    _mm256_store_si256((__m256i *)&k->first[at], _mm256_srli_epi64(a, 32));
    _mm256_store_si256((__m256i *)&k->last[at], _mm256_srli_epi64(scale(a, LAST_N), 32));
    _mm256_store_si256((__m256i *)&k->digits[at], digits4(_mm256_srli_epi64(b, 32)));
    _mm256_store_si256((__m256i *)&k->domain[at], _mm256_srli_epi64(scale(b, DOMAIN_N), 32));
    __m256i s = _mm256_srli_epi64(scale(y, RANGE_SECONDS), 32);
    __m256i minutes = _mm256_srli_epi64(scale(s, DIV60_MUL), 37);
    __m256i day = _mm256_srli_epi64(scale(minutes, DIV1440_MUL), 42);
    _mm256_store_si256((__m256i *)&k->day[at], day);
    _mm256_store_si256((__m256i *)&k->minute[at], _mm256_sub_epi64(minutes, scale(day, 1440)));
    _mm256_store_si256((__m256i *)&k->second[at], _mm256_sub_epi64(s, scale(minutes, 60)));
}

/* Two uuids as text with dashes, in three parts each: characters 0..15, 16..31 and (the last four of tail) 32..35. */
typedef struct uuid_pair {
    __m256i head, middle, tail;
} uuid_pair;

AVX2 uuid_pair uuid_text(__m256i z)
{
    const __m256i digits = _mm256_broadcastsi128_si256(
        _mm_setr_epi8('0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'));
    const __m256i low4 = _mm256_set1_epi8(15);
    const __m256i place_head =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, -1, 8, 9, 10, 11, -1, 12, 13));
    const __m256i dash_head =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, '-', 0, 0, 0, 0, '-', 0, 0));
    const __m256i place_middle =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, -1, 2, 3, 4, 5, -1, 6, 7, 8, 9, 10, 11, 12, 13));
    const __m256i dash_middle =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 0, '-', 0, 0, 0, 0, '-', 0, 0, 0, 0, 0, 0, 0, 0));
    const __m256i keep =
        _mm256_set_epi64x(~INT64_C(0xc0), ~(INT64_C(0xf0) << 48), ~INT64_C(0xc0), ~(INT64_C(0xf0) << 48));
    const __m256i version = _mm256_set_epi64x(0x80, INT64_C(0x40) << 48, 0x80, INT64_C(0x40) << 48);
    z = _mm256_or_si256(_mm256_and_si256(z, keep), version);
    __m256i upper = _mm256_and_si256(_mm256_srli_epi64(z, 4), low4), lower = _mm256_and_si256(z, low4);
    __m256i a = _mm256_shuffle_epi8(digits, _mm256_unpacklo_epi8(upper, lower)); /* digits 0..15 of both */
    __m256i b = _mm256_shuffle_epi8(digits, _mm256_unpackhi_epi8(upper, lower)); /* digits 16..31 */
    return (uuid_pair){
        .head = _mm256_or_si256(_mm256_shuffle_epi8(a, place_head), dash_head),
        .middle = _mm256_or_si256(_mm256_shuffle_epi8(_mm256_alignr_epi8(b, a, 14), place_middle), dash_middle),
        .tail = b,
    };
}

AVX2 char *uuid_put(char *p, __m128i head, __m128i middle, __m128i tail)
{
    uint32_t last = (uint32_t)_mm_extract_epi32(tail, 3);
    _mm_storeu_si128((__m128i *)p, head);
    _mm_storeu_si128((__m128i *)(p + 16), middle);
    memcpy(p + 32, &last, 4);
    return p + 36;
}

__attribute__((target("avx2,bmi,bmi2"))) static char *rows_put_avx2(char *p, const struct tables *t, uint64_t row,
                                                                    uint64_t n)
{
    const __m256i each = _mm256_setr_epi64x(0, (long long)PHI, (long long)(2 * PHI), (long long)(3 * PHI));
    const __m256i pair = _mm256_setr_epi64x((long long)key_uuid_hi, (long long)key_uuid_lo,
                                            (long long)(key_uuid_hi + PHI), (long long)(key_uuid_lo + PHI));
    const __m256i person = _mm256_add_epi64(each, _mm256_set1_epi64x((long long)key_person));
    const __m256i created = _mm256_add_epi64(each, _mm256_set1_epi64x((long long)key_created));
    picks k;
    for (; n >= STEP; n -= STEP, row += STEP) {
        for (unsigned i = 0; i < STEP; i += 4) {
            __m256i at = _mm256_set1_epi64x((long long)((row + i) * PHI));
            pick(&k, i, mix64x4(_mm256_add_epi64(person, at)), mix64x4(_mm256_add_epi64(created, at)));
        }
        for (unsigned i = 0; i < STEP; i += 2) {
            __m256i at = _mm256_set1_epi64x((long long)((row + i) * PHI));
            uuid_pair u = uuid_text(mix64x4(_mm256_add_epi64(pair, at)));
            p = uuid_put(p, _mm256_castsi256_si128(u.head), _mm256_castsi256_si128(u.middle),
                         _mm256_castsi256_si128(u.tail));
            p = put_rest(p, t, &k, i);
            p = uuid_put(p, _mm256_extracti128_si256(u.head, 1), _mm256_extracti128_si256(u.middle, 1),
                         _mm256_extracti128_si256(u.tail, 1));
            p = put_rest(p, t, &k, i + 1);
        }
    }
    return p;
}
#endif

/* ---- workers ------------------------------------------------------------------------------------------------------ */

typedef char *rows_put(char *, const struct tables *, uint64_t row, uint64_t n);

typedef struct worker {
    pthread_t thread;
    rows_put *put;
    const struct tables *tables;
    int fd;
    uint64_t first, last, bytes;
} worker;

static void die(const char *what)
{
    fprintf(stderr, "fused: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Huge pages: tables and buffer would otherwise ask for more addresses than the first-level TLB holds. */
static void *memory(size_t bytes)
{
    size_t huge = 2 << 20;
    char *p =
        mmap(NULL, (bytes + 2 * huge - 1) / huge * huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        die("memory");
    p = (char *)(((uintptr_t)p + huge - 1) / huge * huge);
    madvise(p, huge, MADV_HUGEPAGE);
    return p;
}

static void *worker_run(void *arg)
{
    worker *w = arg;
    char *buffer = memory(BUFFER + BLOCK_ROWS * ROW_MAX + 64);
    for (uint64_t row = w->first; row < w->last;) {
        char *p = buffer;
        for (; row < w->last && p < buffer + BUFFER; row += BLOCK_ROWS)
            p = w->put(p, w->tables, row, BLOCK_ROWS);
        for (char *from = buffer; from < p;) {
            ssize_t n = write(w->fd, from, (size_t)(p - from));
            if (n < 0)
                die("write");
            from += n;
            w->bytes += (uint64_t)n;
        }
    }
    return NULL;
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    uint64_t rows = 40000000;
    unsigned threads = 1;
    const char *to = "/dev/null";
    bool scalar = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--rows") == 0 && i + 1 < argc)
            rows = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
            threads = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--to") == 0 && i + 1 < argc)
            to = argv[++i];
        else if (strcmp(argv[i], "--scalar") == 0)
            scalar = true;
        else {
            fprintf(stderr, "usage: fused [--rows N] [--threads N] [--to FILE] [--scalar]\n");
            return 2;
        }
    }
    if (threads < 1 || threads > 64)
        threads = 1;
    rows = (rows + BLOCK_ROWS * threads - 1) / (BLOCK_ROWS * threads) * (BLOCK_ROWS * threads);
    rows_put *put = rows_put_scalar;
#ifdef HAVE_X86
    if (!scalar && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
        put = rows_put_avx2;
#endif
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0)
        die(to);

    double start = seconds_now();
    struct tables *tables = memory(sizeof *tables);
    tables_make(tables);
    worker w[64] = {0};
    for (unsigned i = 0; i < threads; i++) {
        w[i] = (worker){
            .put = put, .tables = tables, .fd = fd, .first = rows / threads * i, .last = rows / threads * (i + 1)};
        if (pthread_create(&w[i].thread, NULL, worker_run, &w[i]) != 0)
            die("thread");
    }
    uint64_t bytes = 0;
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(w[i].thread, NULL);
        bytes += w[i].bytes;
    }
    double seconds = seconds_now() - start;
    printf("{\"case\":\"fused users\",\"kernel\":\"%s\",\"threads\":%u,\"rows\":%llu,\"seconds\":%.4f,"
           "\"rows_per_s\":%.0f,\"bytes_per_row\":%.2f}\n",
           put == rows_put_scalar ? "scalar" : "avx2", threads, (unsigned long long)rows, seconds,
           (double)rows / seconds, (double)bytes / (double)rows);
    return 0;
}
