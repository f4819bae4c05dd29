-- Rollups as people and dashboards should read them: one row a key even before merges (FINAL), rows of vanished keys left out.
-- No key spans partitions (a minute has one month), so FINAL merges each partition by itself.

CREATE OR REPLACE VIEW complaints_per_minute AS
SELECT minute, service, category, total, negative, positive, sentiment_sum
FROM complaints_1m FINAL
WHERE total > 0
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE OR REPLACE VIEW metrics_per_minute AS
SELECT minute, layer, service, metric, cohort, points, sum, sum / points AS mean, min, max
FROM metrics_1m FINAL
WHERE points > 0
SETTINGS do_not_merge_across_partitions_select_final = 1;

-- What users said and what machines measured, on one line: a row a service and minute. Values are means over all points of the
-- minute, whatever the cohort; `idc` holds the IDCs that the service runs in, as 'idc.metric'. Filter on minute and service: both
-- reach the keys of every table below, since each branch keeps the columns as they are stored.
CREATE OR REPLACE VIEW correlated_1m AS
SELECT
    minute,
    service,
    sum(total) AS complaints,
    sum(blamed) AS negative,
    if(complaints = 0, 0, negative / complaints) AS negative_share,
    CAST((groupArrayIf(name, layer = 'business'), groupArrayIf(value, layer = 'business')), 'Map(String, Float64)') AS business,
    CAST((groupArrayIf(name, layer = 'app'), groupArrayIf(value, layer = 'app')), 'Map(String, Float64)') AS app,
    CAST((groupArrayIf(name, layer = 'idc'), groupArrayIf(value, layer = 'idc')), 'Map(String, Float64)') AS idc,
    groupArrayIf(name, layer = 'change') AS changes,
    CAST((groupArrayIf(name, layer = 'experience'), groupArrayIf(value, layer = 'experience')), 'Map(String, Float64)') AS experience
FROM
(
    SELECT minute, service, '' AS layer, '' AS name, toFloat64(0) AS value, toUInt64(total) AS total, toUInt64(negative) AS blamed
    FROM complaints_per_minute
    UNION ALL
    SELECT minute, service, toString(layer), toString(metric), sum(sum) / sum(points), 0, 0
    FROM metrics_per_minute
    WHERE layer != 'idc'
    GROUP BY minute, service, layer, metric
    UNION ALL
    SELECT minute, toLowCardinality(hosted.service), 'idc', concat(measured.idc, '.', measured.metric), measured.value, 0, 0
    FROM
    (
        SELECT minute, toString(service) AS idc, metric, sum(sum) / sum(points) AS value
        FROM metrics_per_minute
        WHERE layer = 'idc'
        GROUP BY minute, idc, metric
    ) AS measured
    INNER JOIN
    (
        SELECT service, arrayJoin(idcs) AS idc
        FROM topology FINAL
    ) AS hosted ON hosted.idc = measured.idc
    UNION ALL
    SELECT toStartOfMinute(toDateTime(ts, 'UTC')), service, 'change', arrayStringConcat(arrayFilter(part -> part != '', [toString(kind), toString(stage), id, title]), ' '), 0, 0, 0
    FROM changes FINAL
)
GROUP BY minute, service;
