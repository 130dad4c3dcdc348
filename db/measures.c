/* Measures of maps, and the maps that they are taken of: see store.h. */
#include <string.h>

#include "base/try.h"
#include "db/db.h"

limn_status store_measurement_find(limn_store *s, int64_t *measurement_id, int *complete, int64_t run_id,
                                   const store_measurement *m) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    int row = 0;
    const db_value other = m->other_attribution_id ? DB_INT(m->other_attribution_id) : DB_TEXT(NULL);
    TRY(db_query(s, &stmt,
                 "SELECT measurement_id, complete FROM measurement WHERE attribution_id = ?1"
                 " AND ifnull(other_attribution_id, 0) = ifnull(?2, 0) AND metric = ?3 AND options = ?4",
                 DB_ARGS(DB_INT(m->attribution_id), other, DB_TEXT(m->metric), DB_TEXT(m->options))));
    TRY(db_next(s, stmt, &row));
    *complete = 0;
    if (row) {
        *measurement_id = sqlite3_column_int64(stmt, 0);
        *complete = sqlite3_column_int(stmt, 1);
        goto done;
    }
    TRY(db_insert(s, measurement_id,
                  "INSERT INTO measurement (attribution_id, other_attribution_id, metric, options, run_id)"
                  " VALUES (?1, ?2, ?3, ?4, ?5)",
                  DB_ARGS(DB_INT(m->attribution_id), other, DB_TEXT(m->metric), DB_TEXT(m->options), DB_INT(run_id))));
done:
    db_reset(stmt);
    return status;
}

limn_status store_measurement_complete(limn_store *s, int64_t measurement_id) {
    return db_run(s, "UPDATE measurement SET complete = 1 WHERE measurement_id = ?1", DB_ARGS(DB_INT(measurement_id)));
}

int64_t store_last_map(const limn_store *s) {
    return sqlite3_last_insert_rowid(s->db);
}

limn_status store_measure_put(limn_store *s, int64_t measurement_id, int64_t map_id, int64_t other_map_id,
                              const char *metric, double value) {
    if (other_map_id == 0)
        return db_run(s,
                      "INSERT OR IGNORE INTO measure (measurement_id, map_id, metric, value) VALUES (?1, ?2, ?3, ?4)",
                      DB_ARGS(DB_INT(measurement_id), DB_INT(map_id), DB_TEXT(metric), DB_REAL(value)));
    return db_run(
        s,
        "INSERT OR IGNORE INTO agreement (measurement_id, map_id, other_map_id, metric, value)"
        " VALUES (?1, ?2, ?3, ?4, ?5)",
        DB_ARGS(DB_INT(measurement_id), DB_INT(map_id), DB_INT(other_map_id), DB_TEXT(metric), DB_REAL(value)));
}

limn_status store_maps_read(limn_store *s, store_map *map, float *data, size_t stride, size_t *n,
                            int64_t attribution_id, int64_t sample_id, size_t first, size_t most, size_t size) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    int row = 0;
    *n = 0;
    TRY(db_query(
        s, &stmt,
        "SELECT map_id, target, ifnull(contrast, -1), data FROM map WHERE attribution_id = ?1 AND sample_id = ?2"
        " ORDER BY target, ifnull(contrast, -1) LIMIT ?3 OFFSET ?4",
        DB_ARGS(DB_INT(attribution_id), DB_INT(sample_id), DB_INT(most), DB_INT(first))));
    for (;;) {
        TRY(db_next(s, stmt, &row));
        if (!row) break;
        map[*n] = (store_map){sqlite3_column_int64(stmt, 0), sqlite3_column_int(stmt, 1), sqlite3_column_int(stmt, 2)};
        const void *blob = sqlite3_column_blob(stmt, 3);
        if ((size_t)sqlite3_column_bytes(stmt, 3) != size * sizeof *data)
            FAIL(LIMN_EFAIL, "%s: map %lld holds %d bytes, not %zu", s->path, (long long)map[*n].map_id,
                 sqlite3_column_bytes(stmt, 3), size * sizeof *data);
        memcpy(data + *n * stride, blob, size * sizeof *data);
        ++*n;
    }
done:
    db_reset(stmt);
    return status;
}
