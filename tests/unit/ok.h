/* ok.h - a call of the library that must go well; else the words it left in err, which the test program has for all its calls. */
#ifndef TEST_OK_H
#define TEST_OK_H

#include "check.h"

#define OK(call) \
    do { \
        if ((call) != SPATE_OK) { \
            CHECK(!#call); \
            printf("# %s\n", err.message); \
        } \
    } while (0)

#endif
