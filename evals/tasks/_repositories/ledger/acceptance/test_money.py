import unittest

from ledger.money import parse, show


class MoneyTest(unittest.TestCase):
    def test_what_is_shown_is_read_again(self):
        for cents in (0, 5, 1250, -50, -1299):
            self.assertEqual(cents, parse(show(cents)))


if __name__ == "__main__":
    unittest.main()
