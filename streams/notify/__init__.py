"""Messages to the on-call chat, one small file a channel."""
