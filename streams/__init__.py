"""The application: everything that runs. Records come in from Kafka and leave as rows, incidents and messages."""

__version__ = "0.1.0"
