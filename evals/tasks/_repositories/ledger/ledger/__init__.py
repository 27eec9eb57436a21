"""Small bookkeeping."""
