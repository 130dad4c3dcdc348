-- Version 1 to 2: measures of maps, and their agreement.
CREATE TABLE measurement (
  -- A measure with its options, of the maps of an attribution; or how far the maps of two attributions agree.
  measurement_id INTEGER PRIMARY KEY,
  run_id INTEGER REFERENCES run ON DELETE SET NULL,      -- the run that began it
  attribution_id INTEGER NOT NULL REFERENCES attribution ON DELETE CASCADE, -- whose maps
  other_attribution_id INTEGER REFERENCES attribution (attribution_id) ON DELETE CASCADE, -- agreement: and whose
  metric TEXT NOT NULL,                      -- 'deletion', 'gini', ...; 'pearson', ... of two
  options TEXT NOT NULL CHECK (json_valid(options)),     -- JSON, resolved
  complete INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1)) -- 1: of every map
) STRICT;
CREATE UNIQUE INDEX measurement_identity
  ON measurement (attribution_id, ifnull(other_attribution_id, 0), metric, options);

CREATE TABLE measure (
  -- A figure of a map.
  measure_id INTEGER PRIMARY KEY,
  measurement_id INTEGER NOT NULL REFERENCES measurement ON DELETE CASCADE, -- with which options
  map_id INTEGER NOT NULL REFERENCES map ON DELETE CASCADE, -- of which map
  metric TEXT NOT NULL,                      -- as in measurement
  value REAL,                                -- in the metric's unit; NULL: not defined (a map of zeros)
  UNIQUE (measurement_id, map_id)
) STRICT;
CREATE INDEX measure_map ON measure (map_id);

CREATE TABLE agreement (
  -- A figure of two maps of one sample and target, by two methods.
  agreement_id INTEGER PRIMARY KEY,
  measurement_id INTEGER NOT NULL REFERENCES measurement ON DELETE CASCADE, -- with which options
  map_id INTEGER NOT NULL REFERENCES map ON DELETE CASCADE, -- the one
  other_map_id INTEGER NOT NULL REFERENCES map (map_id) ON DELETE CASCADE, -- the other
  metric TEXT NOT NULL,                      -- 'pearson', 'spearman', 'ssim', 'iou'
  value REAL,                                -- 1: the same; NULL: not defined (a map that is constant)
  UNIQUE (measurement_id, map_id)
) STRICT;
CREATE INDEX agreement_map ON agreement (map_id);
CREATE INDEX agreement_other ON agreement (other_map_id);

CREATE VIEW v_measure AS
-- One row a figure of a map, with its method, its sample's label and its model's prediction.
SELECT c.measure_id, c.metric, c.value, t.options, v.map_id, v.attribution_id, v.name, v.method, v.flavour, v.layer,
       v.model_id, v.dataset_id, v.sample_id, v.idx, v.label, v.label_name, v.class, v.class_name, v.correct,
       v.probability, v.margin, v.target
FROM measure c
JOIN measurement t ON t.measurement_id = c.measurement_id
JOIN v_map v ON v.map_id = c.map_id;

CREATE VIEW v_agreement AS
-- One row a figure of two maps of one sample and target.
SELECT c.agreement_id, c.metric, c.value, t.options, v.name, v.method, o.name AS other_name, o.method AS other_method,
       v.sample_id, v.idx, v.label, v.label_name, v.class, v.class_name, v.correct, v.probability, v.margin, v.target
FROM agreement c
JOIN measurement t ON t.measurement_id = c.measurement_id
JOIN v_map v ON v.map_id = c.map_id
JOIN v_map o ON o.map_id = c.other_map_id;
