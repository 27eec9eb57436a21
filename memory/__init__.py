"""Memory: what agents remember, and how they recall it."""
