"""Tags as people type them."""


def parse_tags(text):
    """The tags in a text such as ``web, python``."""
    return [tag.strip().lower() for tag in text.split(",")]
