"""The SQL of a service's panels, as the ClickHouse plugin takes it: macros $__…, the front end's ${service:sqlstring}.

A time series has its time first, ascending and never NULL; a String column beside it becomes a label. Every table is read
with FINAL, so that a redelivered record counts once.
"""

# ruff: noqa: S608 -- constants put together here; what readers choose arrives through ${…:sqlstring}, which quotes.
from __future__ import annotations

SERVICE = "${service:sqlstring}"

SERVICES = "SELECT service, if(title = '', service, title) AS name FROM topology FINAL ORDER BY name"
METRICS = f"SELECT DISTINCT metric FROM metrics_1m WHERE layer != 'idc' AND service = {SERVICE} ORDER BY metric"

COMPLAINTS = f"""
SELECT $__timeInterval(minute) AS time, sum(total) AS total, sum(negative) AS negative
FROM complaints_1m FINAL
WHERE $__timeFilter(minute) AND service = {SERVICE}
GROUP BY time ORDER BY time WITH FILL STEP $__interval_s"""

DAY_BEFORE = f"""
SELECT $__timeInterval(shown) AS time, sum(negative) AS before
FROM (
  SELECT minute + INTERVAL 1 DAY AS shown, negative
  FROM complaints_1m FINAL
  WHERE minute >= $__fromTime - INTERVAL 1 DAY AND minute <= $__toTime - INTERVAL 1 DAY AND service = {SERVICE}
)
GROUP BY time ORDER BY time WITH FILL STEP $__interval_s"""

NEGATIVE_SHARE = f"""
SELECT $__timeInterval(minute) AS time, sum(negative) / sum(total) AS negative_share
FROM complaints_1m FINAL
WHERE $__timeFilter(minute) AND service = {SERVICE}
GROUP BY time ORDER BY time"""


def relative(series: str, where: str) -> str:
    """Every matching series as per cent of its usual level, so that unlike units share an axis.

    Usual is the median over the range and the day before it: an incident that fills the range is not taken for usual.
    """
    return f"""
SELECT time, series, percent
FROM (
  SELECT time, series, 100 * level / nullIf(quantileExact(0.5)(level) OVER (PARTITION BY series), 0) AS percent
  FROM (
    SELECT $__timeInterval(minute) AS time, {series} AS series, sum(sum) / sum(points) AS level
    FROM metrics_1m FINAL
    WHERE minute >= $__fromTime - INTERVAL 1 DAY AND minute <= $__toTime AND {where}
    GROUP BY time, series
  )
)
WHERE time >= $__fromTime
ORDER BY time"""


NAMED = "concat(metric, if(cohort = '', '', concat(' · ', cohort)))"
BUSINESS = relative(NAMED, f"layer IN ('business', 'experience') AND service = {SERVICE}")
APP = relative(NAMED, f"layer = 'app' AND service = {SERVICE}")
IDC = relative(
    "concat(service, ' · ', metric)",
    f"layer = 'idc' AND service IN (SELECT arrayJoin(idcs) FROM topology FINAL WHERE service = {SERVICE})",
)

CALLEES_ALL = relative(
    "concat(service, ' · ', metric)",
    f"layer != 'idc' AND service IN (SELECT arrayJoin(depends_on) FROM topology FINAL WHERE service = {SERVICE})",
)
# Of everything the callees measure, the eight series that left their usual level furthest behind, up or down.
CALLEES = f"""
WITH everything AS ({CALLEES_ALL}
)
SELECT time, series, percent
FROM everything
WHERE series IN (
  SELECT series FROM everything WHERE percent > 0 GROUP BY series ORDER BY max(abs(log(percent / 100))) DESC LIMIT 8
)
ORDER BY time"""

VALUE = f"""
SELECT $__timeInterval(minute) AS time, concat(layer, if(cohort = '', '', concat(' · ', cohort))) AS series,
  sum(sum) / sum(points) AS value
FROM metrics_1m FINAL
WHERE $__timeFilter(minute) AND layer != 'idc' AND service = {SERVICE} AND metric = ${{metric:sqlstring}}
GROUP BY time, series ORDER BY time"""

SAID = f"""
SELECT ts AS time, text, channel, region, app_version, cohort, category, toString(polarity) AS polarity
FROM complaints FINAL
WHERE $__timeFilter(ts) AND service = {SERVICE}
ORDER BY ts DESC LIMIT 200"""

SLICES = f"""
SELECT slice, countIf(polarity < 0) AS negative, count() AS total, negative / total AS negative_share
FROM complaints FINAL
ARRAY JOIN arrayFilter(part -> NOT endsWith(part, ': '),
  [concat('cohort: ', cohort), concat('version: ', app_version), concat('region: ', region), concat('channel: ', channel)]
) AS slice
WHERE $__timeFilter(ts) AND service = {SERVICE}
GROUP BY slice ORDER BY negative_share DESC, negative DESC LIMIT 50"""

EXPERIENCE = f"""
SELECT $__timeInterval(at) AS time, avg(points) AS experience
FROM experience FINAL
WHERE step = 300 AND $__timeFilter(at) AND service = {SERVICE}
GROUP BY time ORDER BY time"""

# Shares become points, so that parts and index share an axis; a part that is not known has no curve.
EXPERIENCE_PARTS = f"""
SELECT $__timeInterval(at) AS time, part, avg(assumeNotNull(share)) * 100 AS value
FROM experience FINAL
ARRAY JOIN ['volume', 'polarity', 'latency', 'failure', 'satisfaction'] AS part,
  [volume, polarity, latency, failure, satisfaction] AS share
WHERE step = 300 AND $__timeFilter(at) AND service = {SERVICE} AND share IS NOT NULL
GROUP BY time, part ORDER BY time, part"""

INCIDENT = """title, toString(level) AS level, status, onset, opened_at, resolved_at, complaints, verdict,
  concat(JSONExtractString(causes, 1, 'service'), ' ', JSONExtractString(causes, 1, 'metric'),
    JSONExtractString(causes, 1, 'change')) AS cause,
  arrayStringConcat(reasons, '; ') AS reasons, arrayStringConcat(emerging, ' · ') AS emerging"""
TOUCHING = "onset <= $__toTime AND (status = 'open' OR resolved_at >= $__fromTime)"

INCIDENTS = f"""
SELECT {INCIDENT}
FROM incidents FINAL
WHERE has(services, {SERVICE}) AND {TOUCHING}
ORDER BY opened_at DESC LIMIT 100"""

ALERT = """kind, toString(level) AS level, status, title, starts_at, ends_at, value, threshold,
  arrayStringConcat(reasons, '; ') AS reasons"""
WARNING = "starts_at <= $__toTime AND (status = 'firing' OR ends_at >= $__fromTime)"

ALERTS = f"""
SELECT {ALERT}
FROM alerts FINAL
WHERE service = {SERVICE} AND {WARNING}
ORDER BY starts_at DESC LIMIT 100"""


# Annotations: time, timeEnd, title, text, tags.
INCIDENT_MARKS = f"""
SELECT onset AS time, if(status = 'open', toDateTime64($__toTime, 3, 'UTC'), ifNull(resolved_at, updated_at)) AS timeEnd,
  title, id AS text, concat('level ', toString(level)) AS tags
FROM incidents FINAL
WHERE has(services, {SERVICE}) AND {TOUCHING}
ORDER BY time"""

CHANGE_MARKS = f"""
SELECT ts AS time, concat(kind, if(stage = '', '', concat(' / ', stage))) AS title,
  concat(service, ' ', changes.title, ' ', id) AS text, kind AS tags
FROM changes FINAL
WHERE $__timeFilter(ts)
  AND (service = {SERVICE} OR service IN (SELECT arrayJoin(depends_on) FROM topology FINAL WHERE service = {SERVICE}))
ORDER BY time"""
