"""The pages of the stream port that are not audio: one file a kind of page."""
