"""Delivery as pull requests: what is done about one, and how a team does it."""
