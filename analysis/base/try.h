/* TRY(expr): inside a function with a `limn_status status` and a label `done`, leave with the first failure. */
#ifndef LIMN_TRY_H
#define LIMN_TRY_H

#include "base/status.h"

#define TRY(expr)                                                                                                      \
    do {                                                                                                               \
        limn_status try_s_ = (expr);                                                                                   \
        if (try_s_ != LIMN_OK) {                                                                                       \
            status = try_s_;                                                                                           \
            goto done;                                                                                                 \
        }                                                                                                              \
    } while (0)

#define FAIL(...)                                                                                                      \
    do {                                                                                                               \
        status = limn_fail(__VA_ARGS__);                                                                               \
        goto done;                                                                                                     \
    } while (0)

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#endif
