"""The shelf itself."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Bookmark:
    """A link somebody wants to find again."""

    url: str
    title: str
    tags: tuple = ()
    added: int = 0


@dataclass
class Shelf:
    """Bookmarks, in the order in which they came."""

    bookmarks: list = field(default_factory=list)

    def add(self, url, title, tags=(), added=None):
        """Put a bookmark on the shelf."""
        when = len(self.bookmarks) if added is None else added
        bookmark = Bookmark(url, title, tuple(tags), when)
        self.bookmarks.append(bookmark)
        return bookmark

    def all(self):
        """Every bookmark."""
        return list(self.bookmarks)

    def tagged(self, tag):
        """The bookmarks that carry a tag."""
        return [bookmark for bookmark in self.bookmarks if tag in bookmark.tags]
