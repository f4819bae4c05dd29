-- The experience index (models/experience.py) by service: every five minutes (step 300) and every local day (step 86400), 0 to 100, with
-- its parts as shares of 1, null where nothing is known. Few and small, so kept for ever.
CREATE TABLE IF NOT EXISTS experience
(
    step UInt32,                                -- seconds
    at DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    service LowCardinality(String),
    points Float32 CODEC(ZSTD(1)),
    volume Nullable(Float32) CODEC(ZSTD(1)),
    polarity Nullable(Float32) CODEC(ZSTD(1)),
    latency Nullable(Float32) CODEC(ZSTD(1)),
    failure Nullable(Float32) CODEC(ZSTD(1)),
    satisfaction Nullable(Float32) CODEC(ZSTD(1)),
    computed_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(at)
ORDER BY (step, at, service);
