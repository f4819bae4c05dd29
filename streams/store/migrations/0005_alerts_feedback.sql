-- Warnings that no surge of complaints carries, the newest version of each. Kept for ever, as incidents are.
CREATE TABLE IF NOT EXISTS alerts
(
    id String,
    kind LowCardinality(String),                -- mentions, indicator, silence, subhealth
    service LowCardinality(String),
    level UInt8,
    status LowCardinality(String),              -- firing, resolved
    starts_at DateTime64(3, 'UTC'),
    updated_at DateTime64(3, 'UTC'),
    ends_at Nullable(DateTime64(3, 'UTC')),
    value Float64,
    threshold Float64,
    title String,
    reasons Array(String),
    about String,                               -- what within its kind it is about, the same each time it fires
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY id;

-- What people said of the judging: "not an incident", "you missed one". Keyed by id: said twice is said once.
CREATE TABLE IF NOT EXISTS feedback
(
    id String,
    ts DateTime64(3, 'UTC'),
    verdict LowCardinality(String),             -- not_an_incident, missed
    incident String,
    service LowCardinality(String),
    category LowCardinality(String),
    at Nullable(DateTime64(3, 'UTC')),          -- of what was missed
    `by` String,
    note String CODEC(ZSTD(3)),                 -- masked
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(inserted_at)
ORDER BY id;

ALTER TABLE incidents ADD COLUMN IF NOT EXISTS reasons Array(String) AFTER title;

ALTER TABLE incidents ADD COLUMN IF NOT EXISTS emerging Array(String) AFTER reasons;
