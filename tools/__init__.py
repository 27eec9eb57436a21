"""Tools: services, repository tools, workspace and sandbox, record and replay."""
