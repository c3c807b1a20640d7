"""What a listener measures: pure arithmetic over bytes and times."""
