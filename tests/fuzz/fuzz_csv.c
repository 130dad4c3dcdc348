/* libFuzzer target: numbers in text, plain or gzip. Every input ends in rows of numbers or in one sentence. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "data/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    limn_array a;
    limn_status s = limn_csv_parse(&a, data, size, "input");
    if (s == LIMN_OK ? a.count == 0 || a.dim[0] * a.dim[1] != a.count
                     : s != LIMN_EINPUT || a.data || limn_message()[0] == '\0')
        abort();
    limn_array_clear(&a);
    return 0;
}
