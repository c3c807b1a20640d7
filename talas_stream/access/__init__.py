"""Who may be here, and what the audit log is told of it."""
