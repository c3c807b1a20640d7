"""Who audio goes to: one file a protocol."""
