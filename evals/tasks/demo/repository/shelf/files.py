"""The shelf as a JSON file."""

import json

from shelf.store import Shelf


def load(path):
    """The shelf kept in a file; an empty one where there is no file yet."""
    shelf = Shelf()
    if path.exists():
        for entry in json.loads(path.read_text(encoding="utf-8")):
            shelf.add(entry["url"], entry["title"], entry["tags"], entry["added"])
    return shelf


def save(shelf, path):
    """Keep the shelf in a file."""
    entries = [
        {"url": b.url, "title": b.title, "tags": list(b.tags), "added": b.added}
        for b in shelf.all()
    ]
    path.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
