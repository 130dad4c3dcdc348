/* Any query's answer as a table: what figures of numbers are made of. */
#ifndef LIMN_DB_TABLE_H
#define LIMN_DB_TABLE_H

#include "db/store.h"

enum { QUERY_TABLE_ROWS = 4000000, QUERY_TABLE_COLUMNS = 64 };

typedef struct {
    double number;    /* NaN: no number */
    const char *text; /* of a text; NULL: NULL, a number or a BLOB */
} query_cell;

typedef struct {
    size_t rows, columns;
    char **name;      /* (columns) as the query calls them */
    query_cell *cell; /* (rows, columns) */
    char *texts;      /* what the cells point to */
} query_table;

typedef struct {
    const char *name; /* ":run" */
    int64_t value;
    const char *text; /* instead of the value; NULL: the value */
} query_parameter;

/* Runs one statement that reads: SELECT, WITH or VALUES, with limn's SQL functions; the n parameters are bound where it
 * has them. LIMN_EINPUT with SQLite's words and the place where it is wrong, does more than read, or gives too much.
 * query_table_clear() frees, also after a failure. */
limn_status query_any(limn_store *s, query_table *out, const char *sql, const query_parameter *parameter,
                      size_t n) LIMN_CHECK;
void query_table_clear(query_table *t);

/* The query of a chart that has a name ("confusion", "agreement", "measures", "accuracy", "quality", "kl"), or NULL. */
const char *query_chart(const char *name);

#endif
