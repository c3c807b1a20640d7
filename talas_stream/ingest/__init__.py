"""Where audio comes from: one file a protocol."""
