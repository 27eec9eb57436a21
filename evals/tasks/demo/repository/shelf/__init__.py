"""A small shelf for bookmarks."""
