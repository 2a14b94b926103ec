/* test_base.c - errors, memory, strings, draws and permutations. */
#include "base/base.h"
#include "os/os.h"
#include "unit/check.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void errors_carry_status_and_words(void)
{
    spate_error err;
    CHECK_INT(sp_fail(&err, SPATE_E_DATA, "row %d", 7), SPATE_E_DATA);
    CHECK_STR(err.message, "row 7");
    CHECK_INT(sp_fail_context(&err, err.status, "table \"%s\"", "t"), SPATE_E_DATA);
    CHECK_STR(err.message, "table \"t\": row 7");
    CHECK_INT(sp_fail_errno(&err, ENOSPC, "could not write \"x\""), SPATE_E_IO);
    CHECK_STR(err.message, "could not write \"x\": no space left on device");
    CHECK_INT(err.os_errno, ENOSPC);
    CHECK_INT(sp_fail(NULL, SPATE_E_BUG, "nobody listens"), SPATE_E_BUG);
}

static void long_messages_are_cut_between_characters(void)
{
    spate_error err;
    char text[SPATE_MESSAGE_MAX * 2];
    for (size_t i = 0; i + 2 < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xa9", 3);
    for (int pad = 0; pad < 2; pad++) {
        sp_fail(&err, SPATE_E_DATA, "%s%s", pad ? "x" : "", text);
        CHECK(sp_utf8_valid(err.message, strlen(err.message)));
        CHECK(strlen(err.message) >= SPATE_MESSAGE_MAX - 3);
    }
}

static void arena_gives_zeroed_aligned_memory(void)
{
    sp_arena a;
    sp_arena_init(&a);
    for (size_t i = 1; i < 300; i++) {
        char *p = sp_arena_alloc(&a, i, 100);
        CHECK(p && (uintptr_t)p % 16 == 0);
        for (size_t j = 0; j < i * 100; j++)
            if (p[j])
                CHECK(!"zeroed");
        memset(p, 0xff, i * 100);
    }
    CHECK(sp_arena_alloc(&a, SIZE_MAX / 2, 16) == NULL);
    CHECK_STR(sp_arena_printf(&a, "%s-%d", "x", 5), "x-5");
    sp_arena_done(&a);
}

static void buffers_grow_and_report_no_memory(void)
{
    sp_buf b;
    sp_buf_init(&b);
    for (int i = 0; i < 1000; i++)
        CHECK_INT(sp_buf_printf(&b, "%03d,", i), 0);
    CHECK_INT(b.len, 4000);
    CHECK(memcmp(b.data + 3996, "999,", 4) == 0);
    sp_alloc_fail_at(1);
    CHECK_INT(sp_buf_reserve(&b, 1 << 20), SPATE_E_NOMEM);
    CHECK_INT(b.len, 4000);
    CHECK_INT(sp_buf_reserve(&b, 1 << 20), 0);
    CHECK_INT(sp_buf_reserve(&b, SIZE_MAX / 2), SPATE_E_NOMEM);
    sp_buf_done(&b);
}

static void utf8_follows_rfc_3629(void)
{
    static const char *const good[] = {"",
                                       "a",
                                       "\xc2\x80",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "plain text of some length \xf0\x9f\x98\x80 and more"};
    static const char *const bad[] = {
        "\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",    "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xc2", "\xe2\x82", "12345678\xff", "\xf5\x80\x80\x80"};
    for (size_t i = 0; i < SP_COUNT(good); i++)
        CHECK(sp_utf8_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < SP_COUNT(bad); i++)
        CHECK(!sp_utf8_valid(bad[i], strlen(bad[i])));
}

static void nearest_word_is_found(void)
{
    static const char *const words[] = {"email", "first_name", "uuid", "price"};
    CHECK_STR(sp_nearest(sp_str_of("emial"), words, 4), "email");
    CHECK_STR(sp_nearest(sp_str_of("frist_name"), words, 4), "first_name");
    CHECK_STR(sp_nearest(sp_str_of("UUID"), words, 4), "uuid");
    CHECK(sp_nearest(sp_str_of("zebra"), words, 4) == NULL);
}

/* Marsaglia's uniformity: 256 cells of the top byte, a million draws; chi-square of 255 degrees of freedom is below 350 with
 * p = 0.9999. Neighbouring rows and columns that differ in a bit must look as independent. */
static double chi_square_of_draws(uint64_t key, unsigned shift)
{
    enum { DRAWS = 1000000 };
    static uint32_t seen[256];
    memset(seen, 0, sizeof(seen));
    for (uint64_t row = 0; row < DRAWS; row++)
        seen[(sp_draw(key, row) >> shift) & 255]++;
    double sum = 0, expected = DRAWS / 256.0;
    for (int i = 0; i < 256; i++)
        sum += (seen[i] - expected) * (seen[i] - expected) / expected;
    return sum;
}

static void draws_are_uniform(void)
{
    uint64_t seed = (uint64_t)sp_os_monotonic_us();
    printf("# seed %llu\n", (unsigned long long)seed);
    for (unsigned shift = 0; shift < 64; shift += 8)
        CHECK(chi_square_of_draws(sp_mix64(seed + shift), shift) < 370);
    CHECK(chi_square_of_draws(0, 0) < 370);
    CHECK(chi_square_of_draws(1, 56) < 370);
}

static void draws_never_change(void)
{
    CHECK_INT(sp_mix64(1), (int64_t)UINT64_C(0x5692161d100b05e5));
    CHECK_INT(sp_draw(42, 0), (int64_t)sp_mix64(42));
    CHECK_INT(sp_hash64("member", 6, 0), (int64_t)sp_hash64("member", 6, 0));
    CHECK_INT(sp_bounded(UINT64_MAX, 10), 9);
    CHECK_INT(sp_bounded(0, 10), 0);
}

static void many_draws_are_single_draws(void)
{
    static const uint64_t bounds[] = {0, 1, 2, 3, 1000, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX};
    uint64_t rows[67], wide[67], scalar[67];
    for (uint64_t i = 0; i < SP_COUNT(rows); i++)
        rows[i] = i % 3 ? sp_mix64(i) : i;
    for (size_t b = 0; b < SP_COUNT(bounds); b++)
        for (uint32_t n = 0; n <= SP_COUNT(rows); n++) {
            bool same = true;
            sp_draw_many(b, rows, n, bounds[b], wide);
            sp_draw_many_scalar(b, rows, n, bounds[b], scalar);
            for (uint32_t i = 0; i < n; i++)
                same &= wide[i] == scalar[i] && scalar[i] == sp_bounded(sp_draw(b, rows[i]), bounds[b]);
            CHECK(same);
        }
}

static void many_uuids_are_single_uuids(void)
{
    uint64_t draws[67];
    uint8_t many[SP_COUNT(draws) * 16], one[16];
    for (uint64_t i = 0; i < SP_COUNT(draws); i++)
        draws[i] = i < 4 ? i * UINT64_MAX / 3 : sp_mix64(i);
    sp_uuid4_many(draws, SP_COUNT(draws), many);
    bool same = true, marked = true;
    for (size_t i = 0; i < SP_COUNT(draws); i++) {
        sp_uuid4(draws[i], one);
        same &= memcmp(one, many + 16 * i, sizeof one) == 0;
        marked &= one[6] >> 4 == 4 && one[8] >> 6 == 2;
    }
    CHECK(same);
    CHECK(marked);
}

static void permutations_are_bijections(void)
{
    static uint8_t seen[70000];
    static const uint64_t sizes[] = {1, 2, 3, 4, 5, 16, 17, 255, 256, 257, 1000, 65535, 65536, 65537, 70000};
    for (size_t s = 0; s < SP_COUNT(sizes); s++) {
        uint64_t n = sizes[s];
        sp_permutation p = sp_permutation_of(s * 77, n);
        memset(seen, 0, n);
        for (uint64_t i = 0; i < n; i++) {
            uint64_t x = sp_permutation_at(&p, i);
            if (x >= n || seen[x]++)
                CHECK(!"each number once");
        }
    }
    uint64_t big = UINT64_MAX - 3;
    sp_permutation p = sp_permutation_of(5, big);
    for (uint64_t i = 0; i < 1000; i++)
        CHECK(sp_permutation_at(&p, big - 1 - i) < big);
}

static void muldiv_is_exact(void)
{
    CHECK_INT(sp_muldiv(UINT64_MAX, UINT64_MAX, UINT64_MAX), (int64_t)UINT64_MAX);
    CHECK_INT(sp_muldiv(10, 3, 4), 7);
    CHECK_INT(sp_muldiv(UINT64_C(1) << 60, 999999999, 1000000000), (int64_t)UINT64_C(1152921503453925471));
    CHECK_INT(sp_mulhi(UINT64_MAX, UINT64_MAX), (int64_t)(UINT64_MAX - 1));
}

static void files_report_what_failed(void)
{
    spate_error err;
    sp_buf b;
    sp_buf_init(&b);
    CHECK_INT(sp_os_read_file("/nonexistent/plan", 100, &b, &err), SPATE_E_IO);
    CHECK_STR(err.message, "could not open file \"/nonexistent/plan\": no such file or directory");
    char path[] = "/tmp/spate-test-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK_INT(sp_os_write_all(fd, "hello", 5, path, &err), 0);
    sp_os_fail_at(SP_OS_WRITE, 2, ENOSPC);
    CHECK_INT(sp_os_write_all(fd, " world", 6, path, &err), 0);
    CHECK_INT(sp_os_write_all(fd, "!", 1, path, &err), SPATE_E_IO);
    CHECK_INT(err.os_errno, ENOSPC);
    CHECK_INT(sp_os_read_file(path, 100, &b, &err), 0);
    CHECK_STRN(b.data, b.len, "hello world");
    b.len = 0;
    CHECK_INT(sp_os_read_file(path, 3, &b, &err), SPATE_E_CONFIG);
    CHECK_INT(sp_os_truncate(fd, 5, path, &err), 0);
    CHECK_INT(sp_os_close(&fd, path, &err), 0);
    CHECK_INT(fd, -1);
    CHECK_INT(sp_os_unlink(path, &err), 0);
    CHECK_INT(sp_os_unlink(path, &err), 0);
    sp_buf_done(&b);
}

int main(void)
{
    RUN(errors_carry_status_and_words);
    RUN(long_messages_are_cut_between_characters);
    RUN(arena_gives_zeroed_aligned_memory);
    RUN(buffers_grow_and_report_no_memory);
    RUN(utf8_follows_rfc_3629);
    RUN(nearest_word_is_found);
    RUN(draws_are_uniform);
    RUN(draws_never_change);
    RUN(many_draws_are_single_draws);
    RUN(many_uuids_are_single_uuids);
    RUN(permutations_are_bijections);
    RUN(muldiv_is_exact);
    RUN(files_report_what_failed);
    return check_done();
}
