"""One module per step of the board's schema."""
