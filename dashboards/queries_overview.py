"""The SQL of the overview's panels; rules as in queries.py."""

# ruff: noqa: S608 -- constants put together here
from __future__ import annotations

from dashboards.queries import ALERT, INCIDENT, TOUCHING, WARNING

OPEN_COUNT = "SELECT count() AS open_incidents FROM incidents FINAL WHERE status = 'open'"
NEGATIVE_IN_RANGE = "SELECT sum(negative) AS negative FROM complaints_1m FINAL WHERE $__timeFilter(minute)"
TOTAL_IN_RANGE = "SELECT sum(total) AS total FROM complaints_1m FINAL WHERE $__timeFilter(minute)"
SHARE_IN_RANGE = (
    "SELECT sum(negative) / greatest(sum(total), 1) AS negative_share FROM complaints_1m FINAL WHERE $__timeFilter(minute)"
)
DEAD_COUNT = "SELECT count() AS dead_letters FROM dead_letters FINAL WHERE $__timeFilter(inserted_at)"
STORED_THROUGH = "SELECT max(latest) AS stored_through FROM ingest_progress FINAL"

SERVICE_TABLE = """
SELECT t.service AS service, t.title AS title, t.product AS product, o.open AS open, c.negative AS negative,
  p.negative AS before_negative, c.total AS total, if(c.total = 0, NULL, c.negative / c.total) AS negative_share,
  if(c.total = 0, NULL, c.sentiment / c.total) AS sentiment,
  if(e.points = 0, NULL, e.load / e.points) AS page_load,
  if(x.slots = 0, NULL, x.mean) AS experience, if(x.slots = 0, NULL, x.lowest) AS experience_lowest
FROM (SELECT service, title, product FROM topology FINAL) AS t
LEFT JOIN (
  SELECT service, sum(negative) AS negative, sum(total) AS total, sum(sentiment_sum) AS sentiment
  FROM complaints_1m FINAL WHERE $__timeFilter(minute) GROUP BY service
) AS c ON c.service = t.service
LEFT JOIN (
  SELECT service, sum(negative) AS negative FROM complaints_1m FINAL
  WHERE minute >= $__fromTime - ($__toTime - $__fromTime) AND minute < $__fromTime GROUP BY service
) AS p ON p.service = t.service
LEFT JOIN (
  SELECT service, sum(sum) AS load, sum(points) AS points FROM metrics_1m FINAL
  WHERE $__timeFilter(minute) AND layer = 'experience' AND metric = 'page_load_ms' GROUP BY service
) AS e ON e.service = t.service
LEFT JOIN (
  SELECT service, avg(points) AS mean, count() AS slots, min(points) AS lowest FROM experience FINAL
  WHERE step = 300 AND $__timeFilter(at) GROUP BY service
) AS x ON x.service = t.service
LEFT JOIN (
  SELECT arrayJoin(services) AS service, count() AS open FROM incidents FINAL WHERE status = 'open' GROUP BY service
) AS o ON o.service = t.service
ORDER BY open DESC, negative DESC, service"""

# The ten services that fared worst at any time of the range.
EXPERIENCE_BY_SERVICE = """
SELECT $__timeInterval(at) AS time, service, avg(points) AS experience
FROM experience FINAL
WHERE step = 300 AND $__timeFilter(at) AND service IN (
  SELECT service FROM experience FINAL WHERE step = 300 AND $__timeFilter(at)
  GROUP BY service ORDER BY min(points), service LIMIT 10
)
GROUP BY time, service ORDER BY time, service"""

BY_SERVICE = """
SELECT $__timeInterval(minute) AS time, if(service = '', '—', service) AS service, sum(negative) AS negative
FROM complaints_1m FINAL
WHERE $__timeFilter(minute)
GROUP BY time, service ORDER BY time"""

BY_CHANNEL = """
SELECT if(channel = '', '—', channel) AS channel, countIf(polarity < 0) AS negative, count() AS total
FROM complaints FINAL
WHERE $__timeFilter(ts)
GROUP BY channel ORDER BY total DESC"""

ALL_INCIDENTS = f"""
SELECT service, {INCIDENT}
FROM incidents FINAL
WHERE {TOUCHING}
ORDER BY status = 'open' DESC, opened_at DESC LIMIT 200"""

ALL_INCIDENT_MARKS = f"""
SELECT onset AS time, if(status = 'open', toDateTime64($__toTime, 3, 'UTC'), ifNull(resolved_at, updated_at)) AS timeEnd,
  title, id AS text, service AS tags
FROM incidents FINAL
WHERE {TOUCHING}
ORDER BY time"""

ALL_ALERTS = f"""
SELECT service, {ALERT}
FROM alerts FINAL
WHERE {WARNING}
ORDER BY status = 'firing' DESC, starts_at DESC LIMIT 200"""
