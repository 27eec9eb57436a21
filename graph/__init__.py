"""The decision tree: dispatch, backlog, roadmap, improvement, rest."""
