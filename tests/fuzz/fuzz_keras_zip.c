/* libFuzzer target: a .keras file, up to the point where its weights would go to the helper program (which is switched
 * off here). Every input ends in one sentence. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "model/helper.h"
#include "model/readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    limn_graph *g = NULL;
    limn_model_file f = {"input", -1, size};
    setenv("LIMN_LIBEXEC", "/nonexistent", 1);
    if (size == 0 || graph_new(&g) != LIMN_OK || helper_memory_file(&f.fd) != LIMN_OK) goto done;
    if (write(f.fd, data, size) != (ssize_t)size) goto done;
    if (keras_zip_read(g, &f, NULL) == LIMN_OK || !limn_message()[0]) abort();
done:
    if (f.fd >= 0) close(f.fd);
    graph_free(g);
    return 0;
}
