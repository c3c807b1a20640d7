"""Where audio goes to: one file a protocol."""
