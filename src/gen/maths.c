/* maths.c - series after argument reduction, the textbook way (Muller, "Elementary Functions", chapters 3, 9 and 11). */
#include "gen/maths.h"

#include <float.h>
#include <math.h> /* ldexp and sqrt only: exact, or correctly rounded */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define LN2_HIGH     0x1.62e42fefa3800p-1 /* the leading 42 bits, so that k * LN2_HIGH is exact */
#define LN2_LOW      0x1.ef35793c76730p-45
#define PI           0x1.921fb54442d18p+1
#define HALF_PI_HIGH 0x1.921fb54400000p+0
#define HALF_PI_LOW  0x1.0b4611a626331p-34

/* Taylor coefficients, from the constant upwards: 1/n!, and those of atanh, sin, cos and atan without their first power of x. */
static const double exp_terms[] = {
    0x1.0000000000000p+0,  0x1.0000000000000p+0,  0x1.0000000000000p-1,  0x1.5555555555555p-3,  0x1.5555555555555p-5,
    0x1.1111111111111p-7,  0x1.6c16c16c16c17p-10, 0x1.a01a01a01a01ap-13, 0x1.a01a01a01a01ap-16, 0x1.71de3a556c734p-19,
    0x1.27e4fb7789f5cp-22, 0x1.ae64567f544e4p-26, 0x1.1eed8eff8d898p-29, 0x1.6124613a86d09p-33, 0x1.93974a8c07c9dp-37,
};
static const double atanh_terms[] = {
    0x1.0000000000000p+0, 0x1.5555555555555p-2, 0x1.999999999999ap-3, 0x1.2492492492492p-3,
    0x1.c71c71c71c71cp-4, 0x1.745d1745d1746p-4, 0x1.3b13b13b13b14p-4, 0x1.1111111111111p-4,
    0x1.e1e1e1e1e1e1ep-5, 0x1.af286bca1af28p-5, 0x1.8618618618618p-5, 0x1.642c8590b2164p-5,
};
static const double sin_terms[] = {
    0x1.0000000000000p+0,  -0x1.5555555555555p-3,  0x1.1111111111111p-7,  -0x1.a01a01a01a01ap-13,
    0x1.71de3a556c734p-19, -0x1.ae64567f544e4p-26, 0x1.6124613a86d09p-33, -0x1.ae7f3e733b81fp-41,
    0x1.952c77030ad4ap-49, -0x1.2f49b46814157p-57,
};
static const double cos_terms[] = {
    0x1.0000000000000p+0,  -0x1.0000000000000p-1,  0x1.5555555555555p-5,  -0x1.6c16c16c16c17p-10,
    0x1.a01a01a01a01ap-16, -0x1.27e4fb7789f5cp-22, 0x1.1eed8eff8d898p-29, -0x1.93974a8c07c9dp-37,
    0x1.ae7f3e733b81fp-45, -0x1.6827863b97d97p-53,
};
static const double atan_terms[] = {
    0x1.0000000000000p+0,  -0x1.5555555555555p-2, 0x1.999999999999ap-3,  -0x1.2492492492492p-3, 0x1.c71c71c71c71cp-4,
    -0x1.745d1745d1746p-4, 0x1.3b13b13b13b14p-4,  -0x1.1111111111111p-4, 0x1.e1e1e1e1e1e1ep-5,  -0x1.af286bca1af28p-5,
    0x1.8618618618618p-5,  -0x1.642c8590b2164p-5, 0x1.47ae147ae147bp-5,
};

/* c[0] + c[1] x + ... by Horner. Two chains, of the even and the odd powers, halve the wait for each product. */
static inline double polynomial(const double *c, int n, double x)
{
    double x2 = x * x, even = 0, odd = 0;
    for (int i = (n - 1) & ~1; i >= 0; i -= 2)
        even = even * x2 + c[i];
    for (int i = (n - 2) | 1; i >= 1; i -= 2)
        odd = odd * x2 + (i < n ? c[i] : 0);
    return even + odd * x;
}
#define POLYNOMIAL(c, x) polynomial(c, (int)(sizeof(c) / sizeof(*(c))), x)

/* 2^k for a normal result. */
static inline double power_of_two(int k)
{
    uint64_t bits = (uint64_t)(k + 1023) << 52;
    double v;
    memcpy(&v, &bits, 8);
    return v;
}

double sp_exp(double x)
{
    if (x < -745.2)
        return 0.0;
    if (x > 709.79)
        return INFINITY;
    double scaled = x * 1.4426950408889634;
    int k = (int)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    double r = (x - k * LN2_HIGH) - k * LN2_LOW; /* |r| <= ln2 / 2 */
    double v = POLYNOMIAL(exp_terms, r);         /* the next term would be below 2^-56 */
    return k > -1000 && k < 1000 ? v * power_of_two(k) : ldexp(v, k);
}

/* x is normal: nobody here asks for the logarithm of less than 2^-1022. */
double sp_log(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, 8);
    int k = (int)(bits >> 52) - 1023;
    bits = (bits & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3ff0000000000000);
    double m; /* [1, 2), then [sqrt(1/2), sqrt(2)] */
    memcpy(&m, &bits, 8);
    bool upper = m > 1.4142135623730951;
    m = upper ? m * 0.5 : m;
    k += upper;
    double s = (m - 1) / (m + 1); /* log m = 2 atanh s, |s| < 0.172 */
    return k * LN2_HIGH + (2 * s * POLYNOMIAL(atanh_terms, s * s) + k * LN2_LOW);
}

/* Kahan's corrections: the rounding error of 1 + x (or of exp) cancels in the quotient. */
double sp_log1p(double x)
{
    double u = 1 + x;
    return u == 1 ? x : sp_log(u) * x / (u - 1);
}

double sp_expm1(double x)
{
    double u = sp_exp(x);
    if (u == 1)
        return x;
    if (u - 1 == -1 || u > DBL_MAX)
        return u - 1;
    return (u - 1) * x / sp_log(u);
}

/* sin and cos of r, |r| <= pi/4. */
static double sin_small(double r)
{
    return r * POLYNOMIAL(sin_terms, r * r);
}

static double cos_small(double r)
{
    return POLYNOMIAL(cos_terms, r * r);
}

static double turn(double x, int quarter)
{
    double scaled = x / (PI / 2);
    int k = (int)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    double r = (x - k * HALF_PI_HIGH) - k * HALF_PI_LOW;
    switch ((k + quarter) & 3) {
    case 0: return sin_small(r);
    case 1: return cos_small(r);
    case 2: return -sin_small(r);
    default: return -cos_small(r);
    }
}

double sp_sin(double x)
{
    return turn(x, 0);
}

double sp_cos(double x)
{
    return turn(x, 1);
}

/* atan of t in [0, 1]: halved twice by atan t = 2 atan(t / (1 + sqrt(1 + t^2))), then the series. */
static double atan_unit(double t)
{
    for (int i = 0; i < 2; i++)
        t = t / (1 + sqrt(1 + t * t));
    return 4 * t * POLYNOMIAL(atan_terms, t * t);
}

double sp_atan2(double y, double x)
{
    double ax = fabs(x), ay = fabs(y);
    if (ax == 0 && ay == 0)
        return 0;
    double a = ay <= ax ? atan_unit(ay / ax) : PI / 2 - atan_unit(ax / ay);
    if (x < 0)
        a = PI - a;
    return y < 0 ? -a : a;
}
