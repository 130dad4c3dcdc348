/* libFuzzer target: numbers in text, plain or gzip, and the same as a picture a line. Every input ends in rows of
 * numbers or in one sentence. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "data/csv.h"
#include "data/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same text as pictures, the label by name, by number, or as usual. */
static void as_table(const uint8_t *data, size_t size, const char *column) {
    limn_bytes *b = NULL;
    limn_block block = {0};
    data_labels l = {0};
    if (limn_bytes_memory(&b, data, size, "input") != LIMN_OK) return;
    limn_status s = csv_table_read(&block, &l, b, column, LIMN_BASE_AUTO);
    if (s == LIMN_OK ? block.count == 0 || (l.n > 0 && l.n != block.dim[0])
                     : s != LIMN_EINPUT || l.label || limn_message()[0] == '\0')
        abort();
    limn_block_clear(&block);
    data_labels_clear(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    limn_array a;
    limn_status s = limn_csv_parse(&a, data, size, "input");
    if (s == LIMN_OK ? a.count == 0 || a.dim[0] * a.dim[1] != a.count
                     : s != LIMN_EINPUT || a.data || limn_message()[0] == '\0')
        abort();
    limn_array_clear(&a);
    as_table(data, size, NULL);
    as_table(data, size, "kind");
    as_table(data, size, "-1");
    return 0;
}
