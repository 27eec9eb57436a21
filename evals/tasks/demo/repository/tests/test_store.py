import unittest

from shelf.store import Shelf


class StoreTest(unittest.TestCase):
    def test_keeps_what_was_added(self):
        shelf = Shelf()
        shelf.add("https://example.org", "Example", ["web"])
        self.assertEqual(["Example"], [b.title for b in shelf.all()])

    def test_finds_by_tag(self):
        shelf = Shelf()
        shelf.add("https://example.org", "Example", ["web"])
        shelf.add("https://python.org", "Python", ["code"])
        self.assertEqual(["Python"], [b.title for b in shelf.tagged("code")])


if __name__ == "__main__":
    unittest.main()
