"""What the stations of a valley measured."""
