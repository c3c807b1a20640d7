"""What is over is removed, after a while, so that no table grows for ever."""
