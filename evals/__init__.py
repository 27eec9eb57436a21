"""Evals: recorded tasks, replayed offline, scored and reported."""
