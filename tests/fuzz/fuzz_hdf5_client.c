/* libFuzzer target: the answer of the helper program, as its parent parses it. Every input ends in a list, of which every
 * byte can be read and every entry found, or in one sentence. The header's magic and size are put right, so that the
 * fuzzer need not guess them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/keras.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned touch(const hdf5_file *f) {
    size_t n;
    unsigned sum = 0;
    const hdf5_entry *e = hdf5_entries(f, &n);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < e[i].data_bytes; k++) sum += ((const unsigned char *)e[i].data)[k];
        if (!hdf5_find(f, e[i].kind, e[i].path, e[i].name)) abort();
        const char *text = hdf5_text(f, e[i].path, e[i].name);
        sum += text ? (unsigned)strlen(text) : 0;
        hdf5_done(f, &e[i]);
    }
    return sum;
}

static void find_weights(const hdf5_file *f) {
    keras_weights w;
    const hdf5_entry *array[2];
    static const char *const layer[] = {"a", "conv1", "fc1", "conv2d"};
    if (keras_weights_in(&w, f) != LIMN_OK) return;
    for (int i = 0; i < 4; i++)
        for (int n = 0; n <= 2; n++)
            if (w.find(&w, layer[i], layer[i], NULL, n, array) == LIMN_OK && n > 0 &&
                array[n - 1]->type != ANSWER_VALUES)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static volatile unsigned sink;
    unsigned char *bytes;
    hdf5_file *f;
    if (limn_new(&bytes, size, 1) != LIMN_OK) return 0;
    memcpy(bytes, data, size);
    if (size >= sizeof(answer_header)) {
        answer_header h;
        memcpy(&h, bytes, sizeof h);
        h.magic = ANSWER_MAGIC;
        h.bytes = size;
        memcpy(bytes, &h, sizeof h);
    }
    limn_status s = hdf5_parse(&f, bytes, size);
    if (s == LIMN_OK) {
        sink = touch(f);
        find_weights(f);
        hdf5_close(f);
    } else if (s != LIMN_EINPUT || f || !limn_message()[0])
        abort();
    free(bytes);
    return 0;
}
