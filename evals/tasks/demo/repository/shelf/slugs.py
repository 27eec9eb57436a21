"""Names for links on the page."""


def slug(title):
    """A title as part of a link: lower case, words joined by hyphens."""
    # TODO: two spaces in a row become two hyphens
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c == "-")
