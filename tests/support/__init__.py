"""What tests of several packages share: waiting, ports, databases, and the real product running."""
