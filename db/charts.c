/* The queries behind charts that have a name: see table.h. What the columns mean says docs/figures.md; :run, :model,
 * :dataset and :metric ('' where none is asked for) are bound. */
#include "db/table.h"

#include <string.h>

#include "base/try.h"

#define Z "1.959963985" /* of a normal distribution: 95 % lie within so many standard deviations */
#define METRIC "(CASE WHEN :metric = '' THEN (SELECT min(metric) FROM measurement WHERE other_attribution_id IS "

static const struct {
    const char *name, *sql;
} charts[] = {
    /* the diagonal is not coloured: beside it nothing else would be seen */
    {"confusion",
     "WITH n AS (SELECT s.label, p.class, count(*) AS n FROM sample s JOIN prediction p USING (sample_id)\n"
     "  WHERE s.dataset_id = :dataset AND p.model_id = :model AND s.label IS NOT NULL AND p.class IS NOT NULL\n"
     "  GROUP BY 1, 2),\n"
     "c AS (SELECT label AS k FROM n UNION SELECT class FROM n),\n"
     "d AS (SELECT k, ifnull(name, k) AS name FROM c\n"
     "  LEFT JOIN class ON class.label = k AND class.dataset_id = :dataset)\n"
     "SELECT a.name AS label, b.name AS prediction, ifnull(n, 0) AS samples,\n"
     "  CASE WHEN a.k <> b.k THEN ifnull(1.0 * n / (SELECT sum(n) FROM n WHERE label = a.k), 0) END AS share,\n"
     "  'share of the label''s samples that are taken for it' AS title\n"
     "FROM d a JOIN d b LEFT JOIN n ON n.label = a.k AND n.class = b.k ORDER BY a.k, b.k"},
    {"agreement",
     "WITH which AS (SELECT " METRIC "NOT NULL) ELSE :metric END) AS metric),\n"
     "t AS (SELECT min(a.result_id) AS i, min(b.result_id) AS j, a.name AS a, b.name AS b, avg(g.value) AS v\n"
     "  FROM measurement m JOIN which USING (metric) JOIN agreement g USING (measurement_id)\n"
     "  JOIN result a ON a.run_id = :run AND a.attribution_id = m.attribution_id\n"
     "  JOIN result b ON b.run_id = :run AND b.attribution_id = m.other_attribution_id GROUP BY a.name, b.name),\n"
     "u AS (SELECT i, j, a, b, v FROM t UNION SELECT j, i, b, a, v FROM t UNION SELECT i, i, a, a, 1 FROM t\n"
     "  UNION SELECT j, j, b, b, 1 FROM t)\n"
     "SELECT a AS \"\", b AS \"\", v, metric || ', mean over the samples' AS title FROM u JOIN which ORDER BY i, j"},
    {"measures",
     "WITH which AS (SELECT " METRIC "NULL) ELSE :metric END) AS metric),\n"
     "t AS (SELECT r.result_id AS i, r.name, count(c.value) AS n, avg(c.value) AS v,\n"
     "    avg(c.value * c.value) - avg(c.value) * avg(c.value) AS var\n"
     "  FROM measurement m JOIN which USING (metric) JOIN measure c USING (measurement_id)\n"
     "  JOIN result r ON r.run_id = :run AND r.attribution_id = m.attribution_id GROUP BY m.measurement_id, r.name)\n"
     "SELECT name, v, v - " Z " * sqrt(max(var, 0) / max(n - 1, 1)) AS low,\n"
     "  v + " Z " * sqrt(max(var, 0) / max(n - 1, 1)) AS high,\n"
     "  metric || ', mean with its 95 % interval' AS title FROM t JOIN which ORDER BY i"},
    /* Wilson (1927): an interval that stays within 0 and 1 */
    {"accuracy",
     "WITH t AS (SELECT s.label AS k, ifnull(c.name, s.label) AS name, 1.0 * count(*) AS n, avg(s.label = p.class) AS "
     "v\n"
     "  FROM sample s JOIN prediction p USING (sample_id)\n"
     "  LEFT JOIN class c ON c.dataset_id = s.dataset_id AND c.label = s.label\n"
     "  WHERE s.dataset_id = :dataset AND p.model_id = :model AND s.label IS NOT NULL GROUP BY 1)\n"
     "SELECT name, v,\n"
     "  (v + " Z "*" Z "/2/n - " Z " * sqrt(v*(1-v)/n + " Z "*" Z "/4/n/n)) / (1 + " Z "*" Z "/n) AS low,\n"
     "  (v + " Z "*" Z "/2/n + " Z " * sqrt(v*(1-v)/n + " Z "*" Z "/4/n/n)) / (1 + " Z "*" Z "/n) AS high,\n"
     "  'share predicted right, with its 95 % interval' AS title FROM t ORDER BY k"},
    {"quality",
     "SELECT replace(q.metric, '_', ' ') || CASE WHEN k > 0 THEN ' (' || k || ')' ELSE '' END AS name, value,\n"
     "  NULL AS low, NULL AS high, r.name AS map, '1: the map keeps what the vectors say' AS title\n"
     "FROM quality q JOIN result r ON r.embedding_id = q.embedding_id AND r.run_id = :run\n"
     "ORDER BY q.metric, k, r.result_id"},
    {"kl", "SELECT iteration, kl AS \"KL divergence (nats)\", r.name AS map FROM trace t\n"
           "JOIN result r ON r.embedding_id = t.embedding_id AND r.run_id = :run\n"
           "WHERE kl IS NOT NULL ORDER BY r.result_id, iteration"},
};

const char *query_chart(const char *name) {
    for (size_t i = 0; i < COUNT_OF(charts); i++)
        if (strcmp(charts[i].name, name) == 0) return charts[i].sql;
    return NULL;
}
