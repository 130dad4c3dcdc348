/* libFuzzer target: IDX, npy (plain or gzip) and npz from memory. Every input ends in values or in one sentence. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "data/array.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static double touch(const limn_array *a) {
    double sum = 0;
    for (size_t i = 0; i < a->count; i++) sum += limn_array_get(a, i);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static volatile double sink;
    limn_array a;
    limn_status s = limn_array_parse(&a, data, size, "input");
    if (s == LIMN_OK)
        sink = touch(&a);
    else if (s != LIMN_EINPUT || a.data || limn_message()[0] == '\0')
        abort();
    limn_array_clear(&a);
    if (size < 4 || data[0] != 'P') return 0;
    s = limn_array_parse_npz(&a, data, size, "input", NULL);
    if (s != LIMN_OK) s = limn_array_parse_npz(&a, data, size, "input", "a");
    if (s == LIMN_OK)
        sink = touch(&a);
    else if (s != LIMN_EINPUT || a.data || limn_message()[0] == '\0')
        abort();
    limn_array_clear(&a);
    return 0;
}
