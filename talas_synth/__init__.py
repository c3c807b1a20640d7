"""Music of our own: from a table of chords to samples. Pure: the same seed, the same sound."""
