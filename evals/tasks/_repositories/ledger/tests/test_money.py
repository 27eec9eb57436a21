import unittest

from ledger.money import parse, show


class MoneyTest(unittest.TestCase):
    def test_reads_cents(self):
        self.assertEqual(1250, parse("12.5"))

    def test_shows_two_decimals(self):
        self.assertEqual("-0.50", show(-50))


if __name__ == "__main__":
    unittest.main()
