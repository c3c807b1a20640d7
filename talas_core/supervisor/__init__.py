"""One process that starts the others, keeps them running, and ends them in order."""
