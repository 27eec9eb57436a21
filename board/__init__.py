"""The board: the team's shared, durable ground truth in SQL."""
