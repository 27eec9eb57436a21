"""Moving over from Beads, and back: its JSONL, read and written."""
