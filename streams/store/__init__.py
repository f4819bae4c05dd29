"""ClickHouse: migrations, inserts, rollups and the queries behind correlation."""
