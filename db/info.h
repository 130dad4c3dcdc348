/* What `limn info` says of a results database. */
#ifndef LIMN_DB_INFO_H
#define LIMN_DB_INFO_H

#include "db/sql_shell.h"

/* Runs, models, data sets, embeddings, attributions, and the size of each table: titled tables (or CSV blocks), or one
 * JSON object of arrays. */
limn_status store_info(const char *path, sql_format as, store_text_fn write, void *ctx) LIMN_CHECK;

#endif
