"""Who may use a route, and how often: what stands in front of every handler."""
