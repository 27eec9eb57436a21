"""Recorded conversations of others drive our worker: tau-bench runs, OpenAI transcripts.

The design is explained in ``docs/design/evals_import.md``.
"""
