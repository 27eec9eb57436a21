import unittest

from ledger.book import Book
from ledger.report import report


class BookTest(unittest.TestCase):
    def setUp(self):
        self.book = Book()
        self.book.add("2026-01-05", "food", -1250, "Bread and cheese")
        self.book.add("2026-01-06", "food", -250)
        self.book.add("2026-01-06", "wages", 90000)

    def test_sums_an_account(self):
        self.assertEqual(-1500, self.book.balance("food"))

    def test_an_unknown_account_is_empty(self):
        self.assertEqual(0, self.book.balance("rent"))

    def test_reports_every_account(self):
        self.assertIn("food: -15.00", report(self.book).splitlines())


if __name__ == "__main__":
    unittest.main()
