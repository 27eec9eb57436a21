import tempfile
import unittest
from pathlib import Path

from ledger.book import Book
from ledger.files import load, save


class FilesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "ledger.csv"

    def test_a_missing_file_is_an_empty_book(self):
        self.assertEqual([], load(self.path).all())

    def test_what_was_saved_is_loaded(self):
        book = Book()
        book.add("2026-01-05", "food", 1250, "Bread, and cheese")
        save(book, self.path)
        self.assertEqual(book.all(), load(self.path).all())


if __name__ == "__main__":
    unittest.main()
