-- Raw tables are ReplacingMergeTree on the record's own key, so that a redelivered record replaces itself; read them with FINAL.
-- Partitions are months: a backfill of years stays under ClickHouse's limit of partitions in one insert, and the key holds ts,
-- so that two versions of a record always share a partition. Retention counts from arrival, not from event time: replayed
-- history is kept as long as fresh data.

CREATE TABLE IF NOT EXISTS complaints
(
    ts DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    id String CODEC(ZSTD(1)),
    text String CODEC(ZSTD(3)),
    channel LowCardinality(String),
    service LowCardinality(String),
    category LowCardinality(String),
    rating UInt8,                               -- 0: none given
    user String CODEC(ZSTD(1)),
    region LowCardinality(String),
    app_version LowCardinality(String),
    cohort LowCardinality(String),
    order_id String CODEC(ZSTD(1)),
    sentiment Float32,
    polarity Int8,                              -- -1, 0, 1
    intents Array(LowCardinality(String)),
    aspects Array(LowCardinality(String)),
    aspect_polarities Array(Int8),
    keywords Array(LowCardinality(String)),
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(inserted_at)
PARTITION BY toYYYYMM(ts)
ORDER BY (ts, id);

CREATE TABLE IF NOT EXISTS metrics
(
    layer LowCardinality(String),
    service LowCardinality(String),
    metric LowCardinality(String),
    labels LowCardinality(String),              -- canonical JSON, keys sorted; '' without labels
    cohort LowCardinality(String),
    ts DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    value Float64 CODEC(Gorilla, ZSTD(1)),
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(inserted_at)
PARTITION BY toYYYYMM(ts)
ORDER BY (layer, service, metric, labels, ts);

CREATE TABLE IF NOT EXISTS changes
(
    ts DateTime64(3, 'UTC'),
    id String,
    kind LowCardinality(String),
    service LowCardinality(String),
    title String,
    operator String,
    stage LowCardinality(String),
    cohort LowCardinality(String),
    percent Nullable(Float64),
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(inserted_at)
PARTITION BY toYYYYMM(ts)
ORDER BY (ts, id, stage);

CREATE TABLE IF NOT EXISTS followups
(
    complaint String,
    ts DateTime64(3, 'UTC'),
    status LowCardinality(String),
    satisfaction UInt8,                         -- 0: none given
    note String,
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(inserted_at)
PARTITION BY toYYYYMM(ts)
ORDER BY (complaint, ts, status);

CREATE TABLE IF NOT EXISTS dead_letters
(
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64,
    index UInt32,                               -- place in the array value
    reason String,
    payload String CODEC(ZSTD(3)),              -- personal data masked, cut at 64 KiB
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(inserted_at)
ORDER BY (topic, partition, offset, index);

CREATE TABLE IF NOT EXISTS incidents
(
    id String,
    service LowCardinality(String),
    services Array(String),
    category LowCardinality(String),
    level UInt8,
    status LowCardinality(String),              -- open, resolved
    onset DateTime64(3, 'UTC'),
    opened_at DateTime64(3, 'UTC'),
    updated_at DateTime64(3, 'UTC'),
    resolved_at Nullable(DateTime64(3, 'UTC')),
    complaints UInt32,
    samples Array(String),
    slice String,                               -- the narrowest slice that explains the surge, in words
    verdict LowCardinality(String),
    causes String,                              -- JSON, as `rank` prints them
    loss String,                                -- JSON
    title String,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY id;

-- What was sent to whom: an outbox, so that a restart sends what was not sent.
CREATE TABLE IF NOT EXISTS deliveries
(
    incident String,
    event LowCardinality(String),               -- opened, updated, resolved
    version UInt64,
    channel LowCardinality(String),
    status LowCardinality(String),              -- sent, failed
    reason String,
    sent_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(sent_at)
ORDER BY (incident, event, version, channel);

-- services.yaml as a table, for the joins.
CREATE TABLE IF NOT EXISTS topology
(
    service String,
    title String,
    product String,
    owner String,
    depends_on Array(String),
    idcs Array(String),
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY service;

-- Rollups are recomputed from the raw tables, minute by minute, whenever a minute got new rows (rollup.py): a pure function
-- of the deduplicated raw rows, which no redelivery and no kill can bend.
CREATE TABLE IF NOT EXISTS complaints_1m
(
    minute DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    service LowCardinality(String),
    category LowCardinality(String),
    total UInt32,
    negative UInt32,
    positive UInt32,
    sentiment_sum Float64,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(minute)
ORDER BY (service, category, minute);

CREATE TABLE IF NOT EXISTS metrics_1m
(
    minute DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    layer LowCardinality(String),
    service LowCardinality(String),
    metric LowCardinality(String),
    cohort LowCardinality(String),
    points UInt32,
    sum Float64,
    min Float64,
    max Float64,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(minute)
ORDER BY (layer, service, metric, cohort, minute);

-- Minutes whose raw rows changed, marked by the sink between insert and acknowledgement; and the marks already worked off.
CREATE TABLE IF NOT EXISTS dirty_minutes
(
    source LowCardinality(String),              -- complaints, metrics
    minute DateTime('UTC'),
    mark UUID,
    marked_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (source, minute)
TTL toDateTime(marked_at) + INTERVAL 7 DAY;

CREATE TABLE IF NOT EXISTS refreshed_marks
(
    mark UUID,
    refreshed_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY mark
TTL toDateTime(refreshed_at) + INTERVAL 8 DAY;

-- How far each partition has been stored, in offsets and in event time: the correlator's watermark.
CREATE TABLE IF NOT EXISTS ingest_progress
(
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64,
    latest DateTime64(3, 'UTC'),
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(offset)
ORDER BY (topic, partition);

-- The minute up to which correlation has judged.
CREATE TABLE IF NOT EXISTS correlation_progress
(
    name LowCardinality(String),
    through DateTime('UTC'),
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY name;
