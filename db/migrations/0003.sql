-- Version 2 to 3: how far maps agree, and maps that samples of another data set went into.
ALTER TABLE embedding ADD COLUMN into_embedding_id INTEGER REFERENCES embedding (embedding_id) ON DELETE CASCADE;

CREATE TABLE comparison (
  -- How far two maps of the same samples agree.
  comparison_id INTEGER PRIMARY KEY,
  run_id INTEGER REFERENCES run ON DELETE SET NULL,      -- the run that wrote the row
  embedding_id INTEGER NOT NULL REFERENCES embedding ON DELETE CASCADE, -- the one
  other_embedding_id INTEGER NOT NULL REFERENCES embedding (embedding_id) ON DELETE CASCADE, -- the other
  k INTEGER NOT NULL,                        -- neighbours that overlap looks at
  overlap REAL NOT NULL,                     -- share of a point's k nearest on the one that are so on the other: mean
  procrustes REAL,                           -- 1: the same but for place, turn, mirror and scale; 0: nothing in common
  distances REAL,                            -- Spearman's correlation of the distances of all pairs of points
  points INTEGER NOT NULL,                   -- how many points' pairs that is over
  UNIQUE (embedding_id, other_embedding_id)
) STRICT;
CREATE INDEX comparison_other ON comparison (other_embedding_id);

CREATE TABLE overlap (
  -- How much of a sample's neighbourhood two maps share.
  overlap_id INTEGER PRIMARY KEY,
  comparison_id INTEGER NOT NULL REFERENCES comparison ON DELETE CASCADE, -- of which maps, and how many neighbours
  sample_id INTEGER NOT NULL REFERENCES sample ON DELETE CASCADE,
  value REAL NOT NULL,                       -- share of its k nearest on the one that are among those on the other
  UNIQUE (comparison_id, sample_id)
) STRICT;

CREATE VIEW v_comparison AS
-- Two rows a pair of maps that were compared, one from the side of each.
SELECT c.comparison_id, c.embedding_id,
       (SELECT r.name FROM result r WHERE r.embedding_id = e.embedding_id ORDER BY r.result_id DESC LIMIT 1) AS name,
       e.method, e.options, e.seed, x.layer, x.model_id, x.dataset_id, c.other_embedding_id,
       (SELECT r.name FROM result r WHERE r.embedding_id = o.embedding_id ORDER BY r.result_id DESC LIMIT 1)
         AS other_name,
       o.method AS other_method, o.options AS other_options, o.seed AS other_seed, y.layer AS other_layer,
       c.k, c.overlap, c.procrustes, c.distances, c.points
FROM (SELECT comparison_id, embedding_id, other_embedding_id, k, overlap, procrustes, distances, points FROM comparison
      UNION ALL
      SELECT comparison_id, other_embedding_id, embedding_id, k, overlap, procrustes, distances, points FROM comparison) c
JOIN embedding e ON e.embedding_id = c.embedding_id
JOIN extraction x ON x.extraction_id = e.extraction_id
JOIN embedding o ON o.embedding_id = c.other_embedding_id
JOIN extraction y ON y.extraction_id = o.extraction_id;

CREATE VIEW v_trust AS
-- One row a point of a map that was compared: with how many others, and how much of its neighbourhood they share.
SELECT p.point_id, p.embedding_id, p.name, p.method, p.layer, p.model_id, p.dataset_id, p.sample_id, p.idx, p.x, p.y,
       p.z, p.label, p.label_name, p.class, p.class_name, p.correct, p.probability, p.margin, t.maps, t.overlap, t.least
FROM (SELECT c.embedding_id, v.sample_id, count(*) AS maps, avg(v.value) AS overlap, min(v.value) AS least
      FROM (SELECT comparison_id, embedding_id FROM comparison
            UNION ALL
            SELECT comparison_id, other_embedding_id FROM comparison) c
      JOIN overlap v ON v.comparison_id = c.comparison_id
      GROUP BY c.embedding_id, v.sample_id) t
JOIN v_point p ON p.embedding_id = t.embedding_id AND p.sample_id = t.sample_id;
