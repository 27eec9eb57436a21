"""The board on PostgreSQL: one database, shared by the processes of many hosts."""
