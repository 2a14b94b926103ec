/* maths.h - private to gen: elementary functions that give the same bits on every machine.
 *
 * libm may differ in the last place between versions and processors, and a cell must not. These use only + - * / and sqrt in
 * a fixed order (the build forbids contraction into fused multiply-add). Accurate to a few units in the 15th digit, which is
 * plenty for drawing numbers; not a substitute for libm elsewhere. */
#ifndef SP_GEN_MATHS_H
#define SP_GEN_MATHS_H

double sp_exp(double x);   /* 0 below -745, infinity above 709.7 */
double sp_log(double x);   /* x > 0, finite and normal */
double sp_expm1(double x); /* exp(x) - 1, accurate near 0 */
double sp_log1p(double x); /* log(1 + x), accurate near 0; x > -1 */
double sp_sin(double x);   /* |x| below some thousands */
double sp_cos(double x);
double sp_atan2(double y, double x);

#endif
