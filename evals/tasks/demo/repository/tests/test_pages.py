import unittest

from shelf.pages import page
from shelf.slugs import slug
from shelf.store import Shelf


class PagesTest(unittest.TestCase):
    def test_shows_every_bookmark(self):
        shelf = Shelf()
        shelf.add("https://example.org", "An example")
        self.assertIn('<a href="https://example.org">An example</a>', page(shelf))

    def test_escapes_what_people_typed(self):
        shelf = Shelf()
        shelf.add("https://example.org", "<b>")
        self.assertIn("&lt;b&gt;", page(shelf))

    def test_slugs_are_lower_case(self):
        self.assertEqual("an-example", slug("An Example"))


if __name__ == "__main__":
    unittest.main()
