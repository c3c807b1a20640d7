"""The whole product under random faults, with exact counts."""
