-- Version 1, as the first release made it. Never edited: db/schema.sql explains the columns.

CREATE TABLE run (
  run_id INTEGER PRIMARY KEY,
  experiment TEXT NOT NULL,
  model_id INTEGER REFERENCES model ON DELETE SET NULL,
  dataset_id INTEGER REFERENCES dataset ON DELETE SET NULL,
  config TEXT NOT NULL,
  options TEXT NOT NULL CHECK (json_valid(options)),
  version TEXT NOT NULL,
  libraries TEXT NOT NULL CHECK (json_valid(libraries)),
  isa TEXT,
  started TEXT NOT NULL,
  ended TEXT,
  status TEXT NOT NULL CHECK (status IN ('running', 'finished', 'failed', 'interrupted', 'killed')),
  message TEXT,
  digest TEXT
) STRICT;

CREATE INDEX run_experiment ON run (experiment);

CREATE TABLE stage (
  stage_id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  name TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('running', 'finished', 'failed', 'interrupted', 'reused')),
  done INTEGER NOT NULL,
  total INTEGER NOT NULL,
  seconds REAL NOT NULL,
  peak_memory INTEGER NOT NULL,
  UNIQUE (run_id, name)
) STRICT;

CREATE TABLE model (
  model_id INTEGER PRIMARY KEY,
  run_id INTEGER REFERENCES run ON DELETE SET NULL,
  hash TEXT NOT NULL UNIQUE,
  path TEXT,
  format TEXT NOT NULL,
  producer TEXT,
  input_shape TEXT NOT NULL CHECK (json_valid(input_shape)),
  parameters INTEGER NOT NULL
) STRICT;

CREATE TABLE layer (
  layer_id INTEGER PRIMARY KEY,
  model_id INTEGER NOT NULL REFERENCES model ON DELETE CASCADE,
  idx INTEGER NOT NULL,
  name TEXT NOT NULL,
  op TEXT NOT NULL,
  output_shape TEXT NOT NULL CHECK (json_valid(output_shape)),
  parameters INTEGER NOT NULL,
  UNIQUE (model_id, idx)
) STRICT;

CREATE TABLE dataset (
  dataset_id INTEGER PRIMARY KEY,
  run_id INTEGER REFERENCES run ON DELETE SET NULL,
  fingerprint TEXT NOT NULL,
  options TEXT NOT NULL CHECK (json_valid(options)),
  path TEXT,
  format TEXT NOT NULL,
  samples INTEGER NOT NULL,
  channels INTEGER NOT NULL,
  h INTEGER NOT NULL,
  w INTEGER NOT NULL,
  UNIQUE (fingerprint, options)
) STRICT;

CREATE TABLE class (
  class_id INTEGER PRIMARY KEY,
  dataset_id INTEGER NOT NULL REFERENCES dataset ON DELETE CASCADE,
  label INTEGER NOT NULL,
  name TEXT NOT NULL,
  UNIQUE (dataset_id, label)
) STRICT;

CREATE TABLE sample (
  sample_id INTEGER PRIMARY KEY,
  dataset_id INTEGER NOT NULL REFERENCES dataset ON DELETE CASCADE,
  idx INTEGER NOT NULL,
  label INTEGER,
  source TEXT,
  image BLOB,
  UNIQUE (dataset_id, idx)
) STRICT;

CREATE TABLE prediction (
  prediction_id INTEGER PRIMARY KEY,
  run_id INTEGER REFERENCES run ON DELETE SET NULL,
  model_id INTEGER NOT NULL REFERENCES model ON DELETE CASCADE,
  sample_id INTEGER NOT NULL REFERENCES sample ON DELETE CASCADE,
  class INTEGER,
  probability REAL,
  margin REAL,
  entropy REAL,
  loss REAL,
  logits BLOB NOT NULL,
  UNIQUE (model_id, sample_id)
) STRICT;

CREATE TABLE extraction (
  extraction_id INTEGER PRIMARY KEY,
  run_id INTEGER REFERENCES run ON DELETE SET NULL,
  model_id INTEGER NOT NULL REFERENCES model ON DELETE CASCADE,
  dataset_id INTEGER NOT NULL REFERENCES dataset ON DELETE CASCADE,
  layer TEXT NOT NULL,
  options TEXT NOT NULL CHECK (json_valid(options)),
  dim INTEGER NOT NULL,
  complete INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1)),
  UNIQUE (model_id, dataset_id, layer, options)
) STRICT;

CREATE TABLE feature (
  feature_id INTEGER PRIMARY KEY,
  extraction_id INTEGER NOT NULL REFERENCES extraction ON DELETE CASCADE,
  sample_id INTEGER NOT NULL REFERENCES sample ON DELETE CASCADE,
  vector BLOB NOT NULL,
  UNIQUE (extraction_id, sample_id)
) STRICT;

CREATE TABLE embedding (
  embedding_id INTEGER PRIMARY KEY,
  run_id INTEGER REFERENCES run ON DELETE SET NULL,
  extraction_id INTEGER NOT NULL REFERENCES extraction ON DELETE CASCADE,
  method TEXT NOT NULL,
  options TEXT NOT NULL CHECK (json_valid(options)),
  seed INTEGER NOT NULL,
  dims INTEGER NOT NULL CHECK (dims BETWEEN 1 AND 3),
  kl REAL,
  iterations INTEGER,
  seconds REAL,
  warning TEXT,
  complete INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1)),
  UNIQUE (extraction_id, method, options, seed)
) STRICT;

CREATE TABLE point (
  point_id INTEGER PRIMARY KEY,
  embedding_id INTEGER NOT NULL REFERENCES embedding ON DELETE CASCADE,
  sample_id INTEGER NOT NULL REFERENCES sample ON DELETE CASCADE,
  x REAL,
  y REAL,
  z REAL,
  UNIQUE (embedding_id, sample_id)
) STRICT;

CREATE TABLE trace (
  trace_id INTEGER PRIMARY KEY,
  embedding_id INTEGER NOT NULL REFERENCES embedding ON DELETE CASCADE,
  iteration INTEGER NOT NULL,
  kl REAL,
  UNIQUE (embedding_id, iteration)
) STRICT;

CREATE TABLE quality (
  quality_id INTEGER PRIMARY KEY,
  embedding_id INTEGER NOT NULL REFERENCES embedding ON DELETE CASCADE,
  metric TEXT NOT NULL,
  k INTEGER NOT NULL,
  value REAL,
  points INTEGER NOT NULL,
  UNIQUE (embedding_id, metric, k)
) STRICT;

CREATE TABLE neighbour (
  neighbour_id INTEGER PRIMARY KEY,
  embedding_id INTEGER NOT NULL REFERENCES embedding ON DELETE CASCADE,
  sample_id INTEGER NOT NULL REFERENCES sample ON DELETE CASCADE,
  rank INTEGER NOT NULL,
  neighbour INTEGER NOT NULL REFERENCES sample (sample_id) ON DELETE CASCADE,
  distance REAL,
  UNIQUE (embedding_id, sample_id, rank)
) STRICT;

CREATE TABLE attribution (
  attribution_id INTEGER PRIMARY KEY,
  run_id INTEGER REFERENCES run ON DELETE SET NULL,
  model_id INTEGER NOT NULL REFERENCES model ON DELETE CASCADE,
  dataset_id INTEGER NOT NULL REFERENCES dataset ON DELETE CASCADE,
  method TEXT NOT NULL,
  flavour TEXT NOT NULL,
  layer TEXT,
  output TEXT NOT NULL,
  targets TEXT NOT NULL,
  options TEXT NOT NULL CHECK (json_valid(options)),
  channels INTEGER NOT NULL,
  h INTEGER NOT NULL,
  w INTEGER NOT NULL,
  complete INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1))
) STRICT;

CREATE UNIQUE INDEX attribution_identity
  ON attribution (model_id, dataset_id, method, flavour, ifnull(layer, ''), output, targets, options);

CREATE TABLE map (
  map_id INTEGER PRIMARY KEY,
  attribution_id INTEGER NOT NULL REFERENCES attribution ON DELETE CASCADE,
  sample_id INTEGER NOT NULL REFERENCES sample ON DELETE CASCADE,
  target INTEGER NOT NULL,
  contrast INTEGER,
  min REAL,
  max REAL,
  sum REAL,
  data BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX map_identity ON map (attribution_id, sample_id, target, ifnull(contrast, -1));

CREATE TABLE result (
  result_id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  name TEXT NOT NULL,
  extraction_id INTEGER REFERENCES extraction ON DELETE CASCADE,
  embedding_id INTEGER REFERENCES embedding ON DELETE CASCADE,
  attribution_id INTEGER REFERENCES attribution ON DELETE CASCADE,
  CHECK ((extraction_id IS NOT NULL) + (embedding_id IS NOT NULL) + (attribution_id IS NOT NULL) = 1)
) STRICT;

CREATE UNIQUE INDEX result_extraction ON result (extraction_id, run_id, name) WHERE extraction_id IS NOT NULL;

CREATE UNIQUE INDEX result_embedding ON result (embedding_id, run_id, name) WHERE embedding_id IS NOT NULL;

CREATE UNIQUE INDEX result_attribution ON result (attribution_id, run_id, name) WHERE attribution_id IS NOT NULL;

CREATE INDEX result_run ON result (run_id);

CREATE TABLE figure (
  figure_id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  name TEXT NOT NULL,
  format TEXT NOT NULL,
  spec TEXT NOT NULL CHECK (json_valid(spec)),
  file TEXT NOT NULL,
  hash TEXT NOT NULL,
  UNIQUE (run_id, name, format)
) STRICT;

CREATE VIEW v_sample AS
SELECT s.sample_id, s.dataset_id, p.model_id, s.idx, s.label, lc.name AS label_name, p.class, pc.name AS class_name,
       s.label = p.class AS correct, p.probability, p.margin, p.entropy, p.loss, s.source
FROM sample s
LEFT JOIN prediction p ON p.sample_id = s.sample_id
LEFT JOIN class lc ON lc.dataset_id = s.dataset_id AND lc.label = s.label
LEFT JOIN class pc ON pc.dataset_id = s.dataset_id AND pc.label = p.class;

CREATE VIEW v_point AS
SELECT pt.point_id, pt.embedding_id,
       (SELECT r.name FROM result r WHERE r.embedding_id = e.embedding_id ORDER BY r.result_id DESC LIMIT 1) AS name,
       e.method, x.layer, x.model_id, x.dataset_id, pt.sample_id, s.idx, pt.x, pt.y, pt.z,
       s.label, lc.name AS label_name, p.class, pc.name AS class_name, s.label = p.class AS correct,
       p.probability, p.margin, p.entropy, p.loss
FROM embedding e
JOIN extraction x ON x.extraction_id = e.extraction_id
JOIN point pt ON pt.embedding_id = e.embedding_id
JOIN sample s ON s.sample_id = pt.sample_id
LEFT JOIN prediction p ON p.model_id = x.model_id AND p.sample_id = pt.sample_id
LEFT JOIN class lc ON lc.dataset_id = s.dataset_id AND lc.label = s.label
LEFT JOIN class pc ON pc.dataset_id = s.dataset_id AND pc.label = p.class;

CREATE VIEW v_map AS
SELECT m.map_id, m.attribution_id,
       (SELECT r.name FROM result r WHERE r.attribution_id = a.attribution_id ORDER BY r.result_id DESC LIMIT 1) AS name,
       a.method, a.flavour, a.layer, a.channels, a.h, a.w, a.model_id, a.dataset_id, m.sample_id, s.idx,
       s.label, lc.name AS label_name, p.class, pc.name AS class_name, s.label = p.class AS correct,
       p.probability, p.margin, m.target, tc.name AS target_name, m.contrast, m.min, m.max, m.sum, m.data
FROM attribution a
JOIN map m ON m.attribution_id = a.attribution_id
JOIN sample s ON s.sample_id = m.sample_id
LEFT JOIN prediction p ON p.model_id = a.model_id AND p.sample_id = m.sample_id
LEFT JOIN class lc ON lc.dataset_id = s.dataset_id AND lc.label = s.label
LEFT JOIN class pc ON pc.dataset_id = s.dataset_id AND pc.label = p.class
LEFT JOIN class tc ON tc.dataset_id = s.dataset_id AND tc.label = m.target;

CREATE VIEW v_summary AS
SELECT attribution_id, name, method, flavour, layer, label, label_name, count(*) AS maps, avg(correct) AS accuracy,
       avg(probability) AS probability, avg(margin) AS margin, avg(min) AS min, avg(max) AS max,
       avg(sum / (channels * h * w)) AS mean
FROM v_map
GROUP BY attribution_id, label;
