import tempfile
import unittest
from pathlib import Path

from shelf.files import load, save
from shelf.store import Shelf


class FilesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "shelf.json"

    def test_a_missing_file_is_an_empty_shelf(self):
        self.assertEqual([], load(self.path).all())

    def test_what_was_saved_is_loaded(self):
        shelf = Shelf()
        shelf.add("https://example.org", "Example", ["web"], added=7)
        save(shelf, self.path)
        self.assertEqual(shelf.all(), load(self.path).all())


if __name__ == "__main__":
    unittest.main()
