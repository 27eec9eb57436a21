"""The board on SQLite: one file in WAL mode, shared by the processes of one host."""
