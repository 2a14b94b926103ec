/* civil.h - private to base: the civil date of a day, inline, because every timestamp written needs one. */
#ifndef SP_CIVIL_H
#define SP_CIVIL_H

#include "base/base.h"

typedef struct civil_date {
    int32_t year;
    uint32_t month, day;
} civil_date;

/* Cassio Neri and Lorenz Schneider, "Euclidean affine functions and their application to calendar algorithms" (2022),
 * with wider words than theirs so that every int32 day is exact. Years start in March, which puts the leap day last;
 * EPOCH_SHIFT makes all day numbers positive: whole 400-year cycles and the days from 0000-03-01 to 1970-01-01. */
enum { CIVIL_CYCLES = 14700, CIVIL_CYCLE_DAYS = 146097 };
#define CIVIL_EPOCH_SHIFT (UINT64_C(719468) + (uint64_t)CIVIL_CYCLES * CIVIL_CYCLE_DAYS)

static inline civil_date civil_from_days(int32_t days)
{
    uint64_t n = (uint64_t)((int64_t)days + (int64_t)CIVIL_EPOCH_SHIFT);

    uint64_t n1 = 4 * n + 3;
    uint32_t century = (uint32_t)(n1 / CIVIL_CYCLE_DAYS);
    uint32_t n2 = (uint32_t)(n1 % CIVIL_CYCLE_DAYS) | 3; /* 4 * day of the century + 3 */

    uint64_t p2 = (uint64_t)n2 * 2939745; /* n2 / 1461 and its remainder, in one multiplication */
    uint32_t year_of_century = (uint32_t)(p2 >> 32);
    uint32_t day_of_year = (uint32_t)p2 / 2939745 / 4;

    uint32_t n3 = 2141 * day_of_year + 197913;
    uint32_t month = n3 >> 16, day = (n3 & 0xffff) / 2141 + 1;

    bool next_year = day_of_year >= 306; /* January and February */
    return (civil_date){(int32_t)(100 * century + year_of_century + next_year) - 400 * CIVIL_CYCLES,
                        next_year ? month - 12 : month, day};
}

#endif
