"""The names that requests written by hand in tests give as their Host."""

NAMES = "here,x,radio.example"
"""For TALAS_HOSTS, in services whose tests are about something else."""
