/* How attribution maps relate to other vectors of the same samples: see store.h. */
#include "base/try.h"
#include "db/db.h"

static db_value id_or_null(int64_t id) {
    return id ? DB_INT(id) : DB_TEXT(NULL);
}

limn_status store_relation_have(limn_store *s, int *have, const store_relation *t) {
    int64_t id;
    return db_get(s, &id, have,
                  "SELECT relation_id FROM relation WHERE attribution_id = ?1 AND ifnull(extraction_id, 0) = ?2"
                  " AND ifnull(embedding_id, 0) = ?3 AND ifnull(other_attribution_id, 0) = ?4 AND options = ?5",
                  DB_ARGS(DB_INT(t->attribution_id), DB_INT(t->extraction_id), DB_INT(t->embedding_id),
                          DB_INT(t->other_attribution_id), DB_TEXT(t->options)));
}

limn_status store_relation_put(limn_store *s, int64_t run_id, const store_relation *t) {
    limn_status status = LIMN_OK;
    int64_t id;
    int own = 0;
    TRY(db_scope(s, &own));
    TRY(db_insert(s, &id,
                  "INSERT INTO relation (run_id, attribution_id, extraction_id, embedding_id, other_attribution_id,"
                  " options, k, overlap, cka, distance_correlation, p, points, permutations)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                  DB_ARGS(DB_INT(run_id), DB_INT(t->attribution_id), id_or_null(t->extraction_id),
                          id_or_null(t->embedding_id), id_or_null(t->other_attribution_id), DB_TEXT(t->options),
                          DB_INT(t->k), DB_REAL(t->overlap), DB_REAL(t->cka), DB_REAL(t->distance_correlation),
                          DB_REAL(t->p), DB_INT(t->points), DB_INT(t->permutations))));
    for (size_t i = 0; i < t->n; i++)
        TRY(db_run(s, "INSERT INTO kinship (relation_id, sample_id, value) VALUES (?1, ?2, ?3)",
                   DB_ARGS(DB_INT(id), DB_INT(t->sample_id[i]), DB_REAL((double)t->share[i]))));
done:
    return db_scope_end(s, own, status);
}
