-- Version 4 to 5: how attribution maps relate to other vectors of the same samples.
CREATE TABLE relation (
  -- How the attribution maps of a method relate to other vectors of the same samples; exactly one of the three is set.
  relation_id INTEGER PRIMARY KEY,
  run_id INTEGER REFERENCES run ON DELETE SET NULL,      -- the run that wrote the row
  attribution_id INTEGER NOT NULL REFERENCES attribution ON DELETE CASCADE, -- whose maps
  extraction_id INTEGER REFERENCES extraction ON DELETE CASCADE, -- and the activations of a layer,
  embedding_id INTEGER REFERENCES embedding ON DELETE CASCADE, -- or the points of a map,
  other_attribution_id INTEGER REFERENCES attribution (attribution_id) ON DELETE CASCADE, -- or another method's maps
  options TEXT NOT NULL CHECK (json_valid(options)),     -- JSON, resolved
  k INTEGER NOT NULL,                        -- neighbours that overlap looks at
  overlap REAL NOT NULL,                     -- share of a sample's k nearest in the one that are so in the other: mean
  cka REAL,                                  -- linear centred kernel alignment, unbiased: 1 the same, 0 unrelated
  distance_correlation REAL,                 -- of the distances, bias-corrected: 0 where the two are independent
  p REAL,                                    -- of the distance correlation, by permutations of the samples
  points INTEGER NOT NULL,                   -- how many samples the last three look at
  permutations INTEGER NOT NULL,             -- how many p is of
  CHECK ((extraction_id IS NOT NULL) + (embedding_id IS NOT NULL) + (other_attribution_id IS NOT NULL) = 1)
) STRICT;
CREATE UNIQUE INDEX relation_identity ON relation (attribution_id, ifnull(extraction_id, 0), ifnull(embedding_id, 0),
                                                   ifnull(other_attribution_id, 0), options);
CREATE INDEX relation_extraction ON relation (extraction_id);
CREATE INDEX relation_embedding ON relation (embedding_id);
CREATE INDEX relation_other ON relation (other_attribution_id);

CREATE TABLE kinship (
  -- How much of a sample's neighbourhood two descriptions of the samples share.
  kinship_id INTEGER PRIMARY KEY,
  relation_id INTEGER NOT NULL REFERENCES relation ON DELETE CASCADE, -- of which two, and how many neighbours
  sample_id INTEGER NOT NULL REFERENCES sample ON DELETE CASCADE,
  value REAL NOT NULL,                       -- share of its k nearest in the one that are among those in the other
  UNIQUE (relation_id, sample_id)
) STRICT;

CREATE VIEW v_relation AS
-- One row a method's maps and other vectors of the same samples: how the two relate.
SELECT t.relation_id, t.attribution_id,
       (SELECT r.name FROM result r WHERE r.attribution_id = a.attribution_id ORDER BY r.result_id DESC LIMIT 1) AS name,
       a.method, a.flavour, a.model_id, a.dataset_id,
       CASE WHEN t.extraction_id IS NOT NULL THEN 'features' WHEN t.embedding_id IS NOT NULL THEN 'map'
            ELSE 'attribution' END AS kind,
       CASE WHEN t.extraction_id IS NOT NULL THEN x.layer
            ELSE (SELECT r.name FROM result r WHERE r.embedding_id = t.embedding_id
                  OR r.attribution_id = t.other_attribution_id ORDER BY r.result_id DESC LIMIT 1) END AS other_name,
       t.extraction_id, t.embedding_id, t.other_attribution_id, t.options, t.k, t.overlap,
       1.0 * t.k / (d.samples - 1) AS chance, t.cka, t.distance_correlation, t.p, t.points, t.permutations
FROM relation t
JOIN attribution a ON a.attribution_id = t.attribution_id
JOIN dataset d ON d.dataset_id = a.dataset_id
LEFT JOIN extraction x ON x.extraction_id = t.extraction_id;

CREATE VIEW v_kinship AS
-- One row a relation and sample: how much of its neighbourhood the two share.
SELECT c.kinship_id, c.value, v.relation_id, v.attribution_id, v.name, v.method, v.flavour, v.kind, v.other_name,
       v.chance, s.model_id, s.dataset_id, s.sample_id, s.idx, s.label, s.label_name, s.class, s.class_name, s.correct,
       s.probability, s.margin
FROM v_relation v
JOIN kinship c ON c.relation_id = v.relation_id
JOIN v_sample s ON s.sample_id = c.sample_id AND s.model_id = v.model_id;
