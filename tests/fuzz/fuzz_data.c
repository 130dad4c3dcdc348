/* libFuzzer target: any file as images and as labels, by the table of readers: IDX, npy, npz, CIFAR, CSV, tables, pictures
 * and what else there is a row for. (The helper programs are switched off here.) Every input ends in a data set, of which
 * the last sample is read, or in one sentence. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "data/block.h"
#include "data/reader.h"
#include "model/helper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_sentence(limn_status s) {
    if ((s != LIMN_EINPUT && s != LIMN_EFAIL) || !limn_message()[0]) abort();
}

static int ignore(void *ctx, const char *text, size_t n) {
    (void)ctx, (void)text, (void)n;
    return 0;
}

static void as_images(const char *path, const char *labels) {
    char *const one = (char *)(uintptr_t)path;
    limn_data_options o = LIMN_DATA_OPTIONS_INIT;
    limn_dataset *d = NULL;
    size_t C, H, W;
    float *x = NULL;
    o.images = &one;
    o.n_images = 1;
    o.labels = labels;
    o.threads = 1;
    limn_status s = limn_dataset_open(&d, &o);
    if (s != LIMN_OK) {
        expect_sentence(s);
        return;
    }
    limn_dataset_shape(d, &C, &H, &W);
    if (limn_new(&x, C * H * W, sizeof *x) == LIMN_OK && limn_dataset_raw(d, limn_dataset_count(d) - 1, x) != LIMN_OK)
        abort();
    free(x);
    limn_dataset_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[64];
    data_labels l = {0};
    int fd = -1;
    setenv("LIMN_LIBEXEC", "/nonexistent", 1);
    if (size == 0 || helper_memory_file(&fd) != LIMN_OK) return 0;
    if (write(fd, data, size) != (ssize_t)size) goto done;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    as_images(path, NULL);
    as_images(path, ":0");
    limn_status s = data_labels_read(&l, path, LIMN_BASE_AUTO);
    if (s != LIMN_OK) expect_sentence(s);
    data_labels_clear(&l);
    s = limn_members_describe(path, LIMN_JSON, ignore, NULL);
    if (s != LIMN_OK) expect_sentence(s);
done:
    close(fd);
    return 0;
}
