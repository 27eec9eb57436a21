"""Migrations of the board, run by Alembic."""
