"""The demonstration: a shop's day with planted events, sent through Kafka, and what each user of Huiyin would see of it."""
