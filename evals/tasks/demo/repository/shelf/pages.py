"""The shelf as a page."""

from html import escape

from shelf.slugs import slug

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Shelf</title></head>
<body>
<h1>Shelf</h1>
{items}
</body>
</html>"""


def item(bookmark):
    """One bookmark as an item of the list."""
    name, url, title = slug(bookmark.title), escape(bookmark.url), escape(bookmark.title)
    return f'<li id="{name}"><a href="{url}">{title}</a></li>'


def page(shelf):
    """The whole shelf as HTML."""
    items = "\n".join(item(bookmark) for bookmark in shelf.all())
    return PAGE.format(items=f"<ul>\n{items}\n</ul>")
