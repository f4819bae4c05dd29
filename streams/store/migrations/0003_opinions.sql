-- What a complaint costs its author, and which versions and features it accepts or rejects.

ALTER TABLE complaints
    ADD COLUMN IF NOT EXISTS severity LowCardinality(String) AFTER keywords,         -- money_lost, cannot_use, annoyed; '' no complaint
    ADD COLUMN IF NOT EXISTS accepted Array(LowCardinality(String)) AFTER severity,  -- names
    ADD COLUMN IF NOT EXISTS accepted_polarities Array(Int8) AFTER accepted;         -- 1 accepted, -1 rejected
