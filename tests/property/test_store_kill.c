/* Killed at any moment, a store that is written again ends with the digest of one that was never disturbed.
 *
 * A child writes a small "run" as the pipeline does (find, ask what is there, write the rest in batches, finish) and is
 * killed (SIGKILL) after a seeded random time; this repeats until a child ends by itself. LIMN_KILLS: how many stores. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/try.h"
#include "db/digest.h"
#include "tests/lib/files.h"
#include "tests/lib/stored.h"

enum { SAMPLES = 60, BATCH = 4, SIDE = 28, STORES = 25 };

static limn_status write_samples(limn_store *s, int64_t dataset, int64_t *id) {
    limn_status status = LIMN_OK;
    TRY(store_begin(s));
    for (size_t i = 0; i < SAMPLES; i++) {
        const store_sample row = {i, (int)(i % 10), NULL, "picture", 7};
        TRY(store_sample_put(s, dataset, &row));
    }
    TRY(store_commit(s));
    TRY(store_sample_ids(s, dataset, id, SAMPLES));
done:
    return status;
}

static limn_status write_maps(limn_store *s, int64_t attribution, int64_t dataset, const int64_t *id) {
    limn_status status = LIMN_OK;
    unsigned char have[SAMPLES];
    float map[SIDE * SIDE];
    TRY(store_have(s, STORE_MAPS, attribution, dataset, have, SAMPLES, NULL));
    for (size_t i = 0; i < SAMPLES; i += BATCH) {
        TRY(store_begin(s));
        for (size_t j = i; j < i + BATCH; j++) {
            if (have[j]) continue;
            for (size_t k = 0; k < SIDE * SIDE; k++) map[k] = (float)(j * k % 101);
            TRY(store_map_put(s, attribution, id[j], 0, -1, map, SIDE * SIDE));
            TRY(store_map_put(s, attribution, id[j], 1, -1, map, SIDE * SIDE));
        }
        TRY(store_commit(s));
    }
    TRY(store_complete(s, STORE_ATTRIBUTION, attribution));
done:
    return status;
}

static limn_status write_points(limn_store *s, int64_t run, int64_t extraction, const int64_t *id) {
    limn_status status = LIMN_OK;
    float Y[SAMPLES * 2];
    int64_t embedding = 0;
    int complete = 0;
    for (size_t i = 0; i < SAMPLES * 2; i++) Y[i] = (float)i / 3;
    const store_embedding e = {extraction, "tsne", "{}", 1, 2, 0};
    const store_map_of_points m = {.sample_id = id, .Y = Y, .n = SAMPLES, .dims = 2, .kl = 1};
    TRY(store_embedding_find(s, &embedding, &complete, run, &e));
    if (!complete) TRY(store_embedding_put(s, embedding, &m));
done:
    return status;
}

static limn_status write_all(const char *path) {
    limn_status status = LIMN_OK;
    limn_store *s = NULL;
    int64_t run = 0, model = 0, dataset = 0, extraction = 0, attribution = 0, id[SAMPLES];
    char hex[65];
    const store_run r = {"killed", "", "{}", "0", "{}", NULL};
    const store_layer layer = {0, "out", "Dense", "[10]", 100};
    const store_model m = {.hash = "m", .format = "f", .input_shape = "[1]", .layer = &layer, .n_layers = 1};
    const store_dataset d = {.fingerprint = "d", .options = "{}", .format = "IDX", .n = SAMPLES};
    TRY(store_open(&s, path));
    TRY(store_run_begin(s, &run, &r));
    TRY(store_model_find(s, &model, run, &m));
    TRY(store_dataset_find(s, &dataset, run, &d));
    TRY(write_samples(s, dataset, id));
    const store_extraction e = {model, dataset, "out", "{}", 10};
    TRY(store_extraction_find(s, &extraction, NULL, run, &e));
    TRY(write_points(s, run, extraction, id));
    const store_attribution a = {model, dataset, "saliency", "limn", NULL, "out", "[0, 1]", "{}", 1, SIDE, SIDE};
    TRY(store_attribution_find(s, &attribution, NULL, run, &a));
    TRY(write_maps(s, attribution, dataset, id));
    TRY(store_digest(s, hex, NULL, NULL));
    TRY(store_run_end(s, run, "finished", NULL, hex));
    TRY(store_finish(s, NULL));
done:
    store_close(s);
    return status;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* A child that writes all, killed after `seconds` (0: never); 1 where it came to its end. */
static int child(const char *path, double seconds) {
    pid_t pid = fork();
    int how = 0;
    assert_true(pid >= 0);
    if (pid == 0) {
        limn_status status = write_all(path);
        if (status != LIMN_OK) fprintf(stderr, "# %s\n", limn_message());
        _exit(status == LIMN_OK ? 0 : 1);
    }
    if (seconds > 0) {
        nanosleep(
            &(struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)},
            NULL);
        kill(pid, SIGKILL);
    }
    waitpid(pid, &how, 0);
    if (WIFEXITED(how)) assert_int_equal(WEXITSTATUS(how), 0);
    return WIFEXITED(how);
}

static void a_store_survives_kills(void **state) {
    (void)state;
    const char *whole = temp_path("whole.db");
    double start = now();
    assert_true(child(whole, 0));
    double took = now() - start;
    stored_text want = {0};
    assert_int_equal(store_digest_file(whole, 0, 1, stored_write, &want), LIMN_OK);
    assert_int_equal(want.n, 65);
    limn_rng r = limn_rng_stream(1, LIMN_RNG_TEST, 1);
    const char *count = getenv("LIMN_KILLS"), *path = temp_path("killed.db"), *log = temp_path("killed.db-wal");
    int kills = 0;
    for (int i = 0; i < (count ? atoi(count) : STORES); i++) {
        stored_text got = {0};
        for (int again = 0; again < 4 && !child(path, took * limn_rng_uniform(&r) + 1e-6); again++) kills++;
        assert_true(child(path, 0));
        if (store_digest_file(path, 0, 1, stored_write, &got) != LIMN_OK) fail_msg("%s", limn_message());
        assert_string_equal(got.text, want.text);
        char *ok = stored_ask(path, "PRAGMA integrity_check");
        assert_string_equal(ok, "ok");
        assert_int_not_equal(access(log, F_OK), 0);
        free(ok);
        free(got.text);
        unlink(path);
    }
    assert_true(kills > 0);
    fprintf(stderr, "# %d kills, seed 1\n", kills);
    free(want.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_store_survives_kills)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
