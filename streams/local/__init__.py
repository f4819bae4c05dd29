"""The embedded Kafka and ClickHouse: started, watched and stopped as processes of their own."""
