-- Version 3 to 4: inputs to which a unit answers most, names of them; maps say what was asked; randomisation.
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

CREATE TEMP TABLE result_3 AS SELECT * FROM result;
DROP TABLE result;
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
INSERT INTO result (result_id, run_id, name, extraction_id, embedding_id, attribution_id)
  SELECT result_id, run_id, name, extraction_id, embedding_id, attribution_id FROM result_3;
DROP TABLE result_3;

DROP VIEW v_map;
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
