/* maths.c - series after argument reduction, the textbook way (Muller, "Elementary Functions", chapters 3, 9 and 11). */
#include "gen/maths.h"

#include <float.h>
#include <math.h> /* frexp, ldexp and sqrt only: exact, or correctly rounded */
#include <stddef.h>

#define LN2_HIGH 0x1.62e42fefa3800p-1 /* the leading 42 bits, so that k * LN2_HIGH is exact */
#define LN2_LOW  0x1.ef35793c76730p-45
#define PI       0x1.921fb54442d18p+1
#define HALF_PI_HIGH 0x1.921fb54400000p+0
#define HALF_PI_LOW  0x1.0b4611a626331p-34

double sp_exp(double x)
{
    if (x < -745.2)
        return 0.0;
    if (x > 709.79)
        return INFINITY;
    double scaled = x * 1.4426950408889634;
    int k = (int)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    double r = (x - k * LN2_HIGH) - k * LN2_LOW; /* |r| <= ln2 / 2 */
    double sum = 1.0;
    for (int i = 14; i >= 1; i--) /* Taylor by Horner: the 15th term is below 2^-56 */
        sum = 1.0 + sum * r / i;
    return ldexp(sum, k);
}

double sp_log(double x)
{
    int k;
    double m = frexp(x, &k); /* [0.5, 1) */
    if (m < 0.70710678118654752) {
        m *= 2;
        k--;
    }
    double s = (m - 1) / (m + 1), s2 = s * s; /* log m = 2 atanh s, |s| < 0.172 */
    double sum = 0;
    for (int i = 23; i >= 1; i -= 2)
        sum = sum * s2 + 1.0 / i;
    return k * LN2_HIGH + (2 * s * sum + k * LN2_LOW);
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

/* sin and cos of r, |r| <= pi/4, by Taylor. */
static double sin_small(double r)
{
    double r2 = r * r, sum = 1;
    for (int i = 18; i >= 2; i -= 2)
        sum = 1 - sum * r2 / (i * (i + 1));
    return r * sum;
}

static double cos_small(double r)
{
    double r2 = r * r, sum = 1;
    for (int i = 17; i >= 1; i -= 2)
        sum = 1 - sum * r2 / (i * (i + 1));
    return sum;
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
    double t2 = t * t, sum = 0;
    for (int i = 25; i >= 1; i -= 2)
        sum = 1.0 / i - sum * t2;
    return 4 * t * sum;
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
