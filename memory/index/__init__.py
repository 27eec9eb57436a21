"""The dense index over the rows of memory, and what follows their changes."""
