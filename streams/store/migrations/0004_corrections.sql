-- What readers say a complaint says, a row a field: the newest word on a field wins, whoever gave it and in which order it came.
-- `value` is text: a polarity as -1, 0, 1, a name, or intents with commas between. The text is masked and kept beside, since a model
-- is learnt from it when the complaint itself has expired.
CREATE TABLE IF NOT EXISTS corrections
(
    complaint String,                           -- its id; for a text without one 'text:' and a hash of it
    field LowCardinality(String),               -- polarity, service, category, intents
    value String,
    text String CODEC(ZSTD(3)),
    `by` String,
    ts DateTime64(3, 'UTC'),
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(ts)
ORDER BY (complaint, field);

-- Corrections and follow-ups name a complaint by its id alone, while the table is ordered by time. Parts from before this
-- migration get the index with their next merge and are read whole until then.
ALTER TABLE complaints ADD INDEX IF NOT EXISTS by_id id TYPE bloom_filter(0.01) GRANULARITY 1;
