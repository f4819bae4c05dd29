"""Judging: text and numbers in, judgements out. Knows neither Kafka nor ClickHouse."""
