-- The schema of a limn database, version 5. A new file is made by this text; db/migrations/ brings older files here.
--
-- Every table T has the key T_id; a foreign key bears the same name, so that `JOIN sample USING (sample_id)` works.
-- Arrays are BLOBs of little-endian float32 in row-major order; their shape is in the parent row. Values are raw: the
-- scaling of a picture is the picture's. NULL: there is none.
-- Comments stand inside the parentheses so that the file carries them: `.schema map` in any SQLite shell shows them.

CREATE TABLE run (
  -- One call of the pipeline.
  run_id INTEGER PRIMARY KEY,
  experiment TEXT NOT NULL,                  -- name of the experiment
  model_id INTEGER REFERENCES model ON DELETE SET NULL,  -- the network that it looked at
  dataset_id INTEGER REFERENCES dataset ON DELETE SET NULL, -- the data that it was fed
  config TEXT NOT NULL,                      -- the experiment file as given
  options TEXT NOT NULL CHECK (json_valid(options)),     -- JSON: all resolved, with model hash and data fingerprint
  version TEXT NOT NULL,                     -- of limn
  libraries TEXT NOT NULL CHECK (json_valid(libraries)), -- JSON: library -> version
  isa TEXT,                                  -- instruction set that the engine used
  started TEXT NOT NULL,                     -- UTC, ISO 8601
  ended TEXT,                                -- UTC, ISO 8601
  -- 'killed': it never came to its end, and a later run noticed
  status TEXT NOT NULL CHECK (status IN ('running', 'finished', 'failed', 'interrupted', 'killed')), -- how it ended
  message TEXT,                              -- why it failed: one sentence
  digest TEXT                                -- SHA-256 over the results at its end (limn digest), hex
) STRICT;
CREATE INDEX run_experiment ON run (experiment);

CREATE TABLE stage (
  -- One stage of a run.
  stage_id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  name TEXT NOT NULL,                        -- 'predict', 'embed map', ...
  -- 'reused': an earlier run had done it all
  status TEXT NOT NULL CHECK (status IN ('running', 'finished', 'failed', 'interrupted', 'reused')), -- how it ended
  done INTEGER NOT NULL,                     -- units of work (samples, iterations) that are done
  total INTEGER NOT NULL,                    -- units of work in all
  seconds REAL NOT NULL,                     -- wall clock, s
  peak_memory INTEGER NOT NULL,              -- largest resident memory of the process until the stage's end, bytes
  UNIQUE (run_id, name)
) STRICT;

CREATE TABLE model (
  -- A network, known by its file's hash.
  model_id INTEGER PRIMARY KEY,
  run_id INTEGER REFERENCES run ON DELETE SET NULL,      -- the run that wrote the row
  hash TEXT NOT NULL UNIQUE,                 -- SHA-256 of the model file(s), hex
  path TEXT,                                 -- file as the experiment named it
  format TEXT NOT NULL,                      -- 'Keras 2 HDF5', ...
  producer TEXT,                             -- program and version that saved it
  input_shape TEXT NOT NULL CHECK (json_valid(input_shape)), -- JSON list: channels, height, width
  parameters INTEGER NOT NULL                -- number of weights
) STRICT;

CREATE TABLE layer (
  -- A layer of a model.
  layer_id INTEGER PRIMARY KEY,
  model_id INTEGER NOT NULL REFERENCES model ON DELETE CASCADE,
  idx INTEGER NOT NULL,                      -- 0 is the input
  name TEXT NOT NULL,                        -- as the model file says
  op TEXT NOT NULL,                          -- type: 'Conv2D', 'Dense', ...
  output_shape TEXT NOT NULL CHECK (json_valid(output_shape)), -- JSON list, one sample's: channels, height, width
  parameters INTEGER NOT NULL,               -- number of weights
  UNIQUE (model_id, idx)
) STRICT;

CREATE TABLE dataset (
  -- A data set as the network sees it: files, selection, preprocessing.
  dataset_id INTEGER PRIMARY KEY,
  run_id INTEGER REFERENCES run ON DELETE SET NULL,      -- the run that wrote the row
  fingerprint TEXT NOT NULL,                 -- SHA-256 over images, labels and selection, hex
  options TEXT NOT NULL CHECK (json_valid(options)),     -- JSON: selection and preprocessing, resolved
  path TEXT,                                 -- as the experiment named it
  format TEXT NOT NULL,                      -- 'IDX (gzip)', ...
  samples INTEGER NOT NULL,                  -- number of samples
  channels INTEGER NOT NULL,                 -- of one input, before preprocessing
  h INTEGER NOT NULL,                        -- height of one input, pixels
  w INTEGER NOT NULL,                        -- width of one input, pixels
  UNIQUE (fingerprint, options)
) STRICT;

CREATE TABLE class (
  -- A class of a data set.
  class_id INTEGER PRIMARY KEY,
  dataset_id INTEGER NOT NULL REFERENCES dataset ON DELETE CASCADE,
  label INTEGER NOT NULL,                    -- the class's number: unit of the output layer, sample.label
  name TEXT NOT NULL,                        -- its name
  UNIQUE (dataset_id, label)
) STRICT;

CREATE TABLE sample (
  -- One input of a data set.
  sample_id INTEGER PRIMARY KEY,
  dataset_id INTEGER NOT NULL REFERENCES dataset ON DELETE CASCADE,
  idx INTEGER NOT NULL,                      -- place in the data set: 0 ... samples - 1
  label INTEGER,                             -- true class (class.label)
  source TEXT,                               -- file of the picture, or its index in the files
  image BLOB,                                -- PNG of the input before scaling, unless store_images is false
  UNIQUE (dataset_id, idx)
) STRICT;

CREATE TABLE prediction (
  -- What a model says of a sample.
  prediction_id INTEGER PRIMARY KEY,
  run_id INTEGER REFERENCES run ON DELETE SET NULL,      -- the run that wrote the row
  model_id INTEGER NOT NULL REFERENCES model ON DELETE CASCADE,
  sample_id INTEGER NOT NULL REFERENCES sample ON DELETE CASCADE,
  class INTEGER,                             -- predicted class (class.label): the largest probability's
  probability REAL,                          -- of that class, 0 ... 1
  margin REAL,                               -- largest minus second largest probability, 0 ... 1
  entropy REAL,                              -- of the probabilities, nats
  loss REAL,                                 -- -ln p(label), nats
  logits BLOB NOT NULL,                      -- scores before softmax: float32, one a class
  UNIQUE (model_id, sample_id)
) STRICT;

CREATE TABLE extraction (
  -- A layer's activations over a data set.
  extraction_id INTEGER PRIMARY KEY,
  run_id INTEGER REFERENCES run ON DELETE SET NULL,      -- the run that began it
  model_id INTEGER NOT NULL REFERENCES model ON DELETE CASCADE,
  dataset_id INTEGER NOT NULL REFERENCES dataset ON DELETE CASCADE,
  layer TEXT NOT NULL,                       -- layer.name
  options TEXT NOT NULL CHECK (json_valid(options)),     -- JSON, resolved
  dim INTEGER NOT NULL,                      -- elements of a vector
  complete INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1)), -- 1: a vector for every sample
  UNIQUE (model_id, dataset_id, layer, options)
) STRICT;

CREATE TABLE feature (
  -- One sample's activations.
  feature_id INTEGER PRIMARY KEY,
  extraction_id INTEGER NOT NULL REFERENCES extraction ON DELETE CASCADE,
  sample_id INTEGER NOT NULL REFERENCES sample ON DELETE CASCADE,
  vector BLOB NOT NULL,                      -- float32 (dim), after the activation, in the order of the model's program
  UNIQUE (extraction_id, sample_id)
) STRICT;

CREATE TABLE embedding (
  -- A map of the vectors of an extraction.
  embedding_id INTEGER PRIMARY KEY,
  run_id INTEGER REFERENCES run ON DELETE SET NULL,      -- the run that began it
  extraction_id INTEGER NOT NULL REFERENCES extraction ON DELETE CASCADE,
  method TEXT NOT NULL,                      -- 'tsne', 'pca'; 'transform': put into another data set's map
  options TEXT NOT NULL CHECK (json_valid(options)),     -- JSON, resolved
  seed INTEGER NOT NULL,                     -- of its random numbers
  dims INTEGER NOT NULL CHECK (dims BETWEEN 1 AND 3),    -- of the map
  kl REAL,                                   -- Kullback-Leibler divergence at the end, nats
  iterations INTEGER,                        -- of the optimisation
  seconds REAL,                              -- wall clock, s
  warning TEXT,                              -- a sentence where something was not as asked
  complete INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1)), -- 1: its points are there
  into_embedding_id INTEGER REFERENCES embedding (embedding_id) ON DELETE CASCADE, -- 'transform': the map they went into
  UNIQUE (extraction_id, method, options, seed)
) STRICT;

CREATE TABLE point (
  -- A sample's place on a map.
  point_id INTEGER PRIMARY KEY,
  embedding_id INTEGER NOT NULL REFERENCES embedding ON DELETE CASCADE,
  sample_id INTEGER NOT NULL REFERENCES sample ON DELETE CASCADE,
  x REAL,                                    -- the map's own unit
  y REAL,                                    -- NULL on a line
  z REAL,                                    -- NULL in a plane
  UNIQUE (embedding_id, sample_id)
) STRICT;

CREATE TABLE trace (
  -- The course of the optimisation.
  trace_id INTEGER PRIMARY KEY,
  embedding_id INTEGER NOT NULL REFERENCES embedding ON DELETE CASCADE,
  iteration INTEGER NOT NULL,                -- after so many
  kl REAL,                                   -- Kullback-Leibler divergence without exaggeration, nats
  UNIQUE (embedding_id, iteration)
) STRICT;

CREATE TABLE quality (
  -- A figure of a map.
  quality_id INTEGER PRIMARY KEY,
  embedding_id INTEGER NOT NULL REFERENCES embedding ON DELETE CASCADE,
  metric TEXT NOT NULL,                      -- 'trustworthiness', 'knn_recall', ...
  k INTEGER NOT NULL,                        -- number of neighbours (or axis) that it looks at; 0: none
  value REAL,                                -- in the metric's unit
  points INTEGER NOT NULL,                   -- how many points it was computed on
  UNIQUE (embedding_id, metric, k)
) STRICT;

CREATE TABLE neighbour (
  -- The k-nearest-neighbour graph of the vectors that an embedding started from.
  neighbour_id INTEGER PRIMARY KEY,
  embedding_id INTEGER NOT NULL REFERENCES embedding ON DELETE CASCADE,
  sample_id INTEGER NOT NULL REFERENCES sample ON DELETE CASCADE, -- whose neighbour
  rank INTEGER NOT NULL,                     -- 1 is the nearest
  neighbour INTEGER NOT NULL REFERENCES sample (sample_id) ON DELETE CASCADE, -- the sample_id of the neighbour
  distance REAL,                             -- euclidean, between the vectors
  UNIQUE (embedding_id, sample_id, rank)
) STRICT;

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

CREATE TABLE attribution (
  -- An attribution method with its options, over a data set.
  attribution_id INTEGER PRIMARY KEY,
  run_id INTEGER REFERENCES run ON DELETE SET NULL,      -- the run that began it
  model_id INTEGER NOT NULL REFERENCES model ON DELETE CASCADE,
  dataset_id INTEGER NOT NULL REFERENCES dataset ON DELETE CASCADE,
  method TEXT NOT NULL,                      -- 'saliency', 'gradcam', ...
  flavour TEXT NOT NULL,                     -- 'limn', or the library whose choices it follows
  layer TEXT,                                -- of a CAM: layer.name
  output TEXT NOT NULL,                      -- the layer whose unit is explained: layer.name
  targets TEXT NOT NULL,                     -- which units: 'predicted', 'label', 'all', JSON list or contrast
  options TEXT NOT NULL CHECK (json_valid(options)),     -- JSON, resolved
  channels INTEGER NOT NULL,                 -- of a map
  h INTEGER NOT NULL,                        -- height of a map, pixels
  w INTEGER NOT NULL,                        -- width of a map, pixels
  complete INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1)) -- 1: maps of every sample
) STRICT;
CREATE UNIQUE INDEX attribution_identity
  ON attribution (model_id, dataset_id, method, flavour, ifnull(layer, ''), output, targets, options);

CREATE TABLE map (
  -- One sample's attribution map for one target.
  map_id INTEGER PRIMARY KEY,
  attribution_id INTEGER NOT NULL REFERENCES attribution ON DELETE CASCADE,
  sample_id INTEGER NOT NULL REFERENCES sample ON DELETE CASCADE,
  target INTEGER NOT NULL,                   -- the unit explained (class.label)
  contrast INTEGER,                          -- the unit whose score is subtracted
  min REAL,                                  -- smallest value
  max REAL,                                  -- largest value
  sum REAL,                                  -- of all values
  data BLOB NOT NULL                         -- float32 (channels, h, w), not normalised
) STRICT;
CREATE UNIQUE INDEX map_identity ON map (attribution_id, sample_id, target, ifnull(contrast, -1));

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

CREATE TABLE maximisation (
  -- A search for the inputs to which units of a model answer most.
  maximisation_id INTEGER PRIMARY KEY,
  run_id INTEGER REFERENCES run ON DELETE SET NULL,      -- the run that began it
  model_id INTEGER NOT NULL REFERENCES model ON DELETE CASCADE,
  flavour TEXT NOT NULL,                     -- 'limn', or the library whose choices it follows
  output TEXT NOT NULL,                      -- the layer whose units they are: layer.name
  targets TEXT NOT NULL,                     -- which units or channels: JSON, as in attribution
  options TEXT NOT NULL CHECK (json_valid(options)),     -- JSON, resolved
  seed INTEGER NOT NULL,                     -- of the start and the jitter
  channels INTEGER NOT NULL,                 -- of an input
  h INTEGER NOT NULL,                        -- its height, pixels
  w INTEGER NOT NULL,                        -- its width, pixels
  complete INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1)), -- 1: of every target
  UNIQUE (model_id, flavour, output, targets, options, seed)
) STRICT;

CREATE TABLE optimum (
  -- The input that was found for one target.
  optimum_id INTEGER PRIMARY KEY,
  maximisation_id INTEGER NOT NULL REFERENCES maximisation ON DELETE CASCADE,
  target INTEGER NOT NULL,                   -- the unit (class.label), or the channel
  score REAL,                                -- what the network answers to it
  start REAL,                                -- what it answered to the start
  loss REAL,                                 -- the least that was seen: weighted norm and variation, less the score
  iteration INTEGER NOT NULL,                -- after so many steps
  data BLOB NOT NULL,                        -- float32 (channels, h, w): an input of the network
  UNIQUE (maximisation_id, target)
) STRICT;

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

CREATE TABLE result (
  -- The name under which a run knows one of its results; exactly one of the four keys is set.
  result_id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  name TEXT NOT NULL,                        -- as in the experiment file: a layer, an entry of embed or attribute
  extraction_id INTEGER REFERENCES extraction ON DELETE CASCADE,
  embedding_id INTEGER REFERENCES embedding ON DELETE CASCADE,
  attribution_id INTEGER REFERENCES attribution ON DELETE CASCADE,
  maximisation_id INTEGER REFERENCES maximisation ON DELETE CASCADE,
  CHECK ((extraction_id IS NOT NULL) + (embedding_id IS NOT NULL) + (attribution_id IS NOT NULL)
         + (maximisation_id IS NOT NULL) = 1)
) STRICT;
CREATE UNIQUE INDEX result_extraction ON result (extraction_id, run_id, name) WHERE extraction_id IS NOT NULL;
CREATE UNIQUE INDEX result_embedding ON result (embedding_id, run_id, name) WHERE embedding_id IS NOT NULL;
CREATE UNIQUE INDEX result_attribution ON result (attribution_id, run_id, name) WHERE attribution_id IS NOT NULL;
CREATE UNIQUE INDEX result_maximisation ON result (maximisation_id, run_id, name) WHERE maximisation_id IS NOT NULL;
CREATE INDEX result_run ON result (run_id);

CREATE TABLE figure (
  -- A picture that a run rendered.
  figure_id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  name TEXT NOT NULL,                        -- file name without ending
  format TEXT NOT NULL,                      -- 'png', 'svg', 'pdf', 'jpg'
  spec TEXT NOT NULL CHECK (json_valid(spec)), -- JSON: what was asked, resolved
  file TEXT NOT NULL,                        -- path as written
  hash TEXT NOT NULL,                        -- SHA-256 of the file, hex
  UNIQUE (run_id, name, format)
) STRICT;

-- ---- views: the joins that people would write again and again ------------------------------------------------------
-- They use SQLite's own functions only, so that pandas, R and DuckDB read them. A result's name is the last one that a
-- run gave it.

CREATE VIEW v_sample AS
-- One row a sample and model that predicted it (one with NULLs where none did).
SELECT s.sample_id, s.dataset_id, p.model_id, s.idx, s.label, lc.name AS label_name, p.class, pc.name AS class_name,
       s.label = p.class AS correct, p.probability, p.margin, p.entropy, p.loss, s.source
FROM sample s
LEFT JOIN prediction p ON p.sample_id = s.sample_id
LEFT JOIN class lc ON lc.dataset_id = s.dataset_id AND lc.label = s.label
LEFT JOIN class pc ON pc.dataset_id = s.dataset_id AND pc.label = p.class;

CREATE VIEW v_point AS
-- One row a point of a map, with its sample's label and its model's prediction.
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
-- One row a map, with its method, its sample's label and its model's prediction. target_name: where the target is a class.
SELECT m.map_id, m.attribution_id,
       (SELECT r.name FROM result r WHERE r.attribution_id = a.attribution_id ORDER BY r.result_id DESC LIMIT 1) AS name,
       a.method, a.flavour, a.layer, a.output, a.targets, a.channels, a.h, a.w, a.model_id, a.dataset_id, m.sample_id,
       s.idx, s.label, lc.name AS label_name, p.class, pc.name AS class_name, s.label = p.class AS correct,
       p.probability, p.margin, m.target, tc.name AS target_name, m.contrast, m.min, m.max, m.sum, m.data
FROM attribution a
JOIN map m ON m.attribution_id = a.attribution_id
JOIN sample s ON s.sample_id = m.sample_id
LEFT JOIN prediction p ON p.model_id = a.model_id AND p.sample_id = m.sample_id
LEFT JOIN class lc ON lc.dataset_id = s.dataset_id AND lc.label = s.label
LEFT JOIN class pc ON pc.dataset_id = s.dataset_id AND pc.label = p.class
LEFT JOIN class tc ON tc.dataset_id = s.dataset_id AND tc.label = m.target
  AND a.output = (SELECT l.name FROM layer l WHERE l.model_id = a.model_id ORDER BY l.idx DESC LIMIT 1)
  AND a.targets NOT LIKE '{"channel"%';

CREATE VIEW v_summary AS
-- One row a method and true class: how many maps, how often the network is right, and the mean of the maps' figures.
SELECT attribution_id, name, method, flavour, layer, label, label_name, count(*) AS maps, avg(correct) AS accuracy,
       avg(probability) AS probability, avg(margin) AS margin, avg(min) AS min, avg(max) AS max,
       avg(sum / (channels * h * w)) AS mean
FROM v_map
GROUP BY attribution_id, label;

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

CREATE VIEW v_optimum AS
-- One row an input that a unit answers most to.
SELECT o.optimum_id, o.maximisation_id,
       (SELECT r.name FROM result r WHERE r.maximisation_id = x.maximisation_id ORDER BY r.result_id DESC LIMIT 1) AS name,
       x.flavour, x.output, x.targets, x.options, x.seed, x.model_id, x.channels, x.h, x.w, o.target, o.score, o.start,
       o.loss, o.iteration, o.data
FROM maximisation x
JOIN optimum o ON o.maximisation_id = x.maximisation_id;

CREATE VIEW v_randomisation AS
-- One row a method, layer and way: how alike maps stay while the network's weights are shuffled, from the top. number: how
-- many have been, `layer` the last of them. A method that looks at the network falls off; one that stays near 1 does not.
SELECT v.attribution_id, v.name, v.method, v.flavour, v.model_id, v.dataset_id, t.measurement_id,
       json_extract(t.options, '$.order') AS "order", json_extract(t.options, '$.similarity') AS similarity,
       json_extract(t.options, '$.layer') AS layer, json_extract(t.options, '$.number') AS number,
       avg(c.value) AS value, min(c.value) AS least, max(c.value) AS most, count(c.value) AS maps
FROM measurement t
JOIN measure c ON c.measurement_id = t.measurement_id
JOIN v_map v ON v.map_id = c.map_id
WHERE t.metric = 'randomisation'
GROUP BY t.measurement_id;

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
