"""Who may be here, who is, and what the audit log is told of it."""
