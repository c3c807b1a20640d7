"""Personal tokens: what people make for their programs."""
