import unittest
from datetime import date

from weather.figures import frost_days, mean, warmest
from weather.readings import Reading
from weather.report import report

DAYS = [
    Reading(date(2026, 1, 1), -1.0, 4.0),
    Reading(date(2026, 1, 2), 2.0, 6.0),
    Reading(date(2026, 1, 3), 0.0, 6.0),
]


class FiguresTest(unittest.TestCase):
    def test_mean(self):
        self.assertAlmostEqual(17 / 6, mean(DAYS))

    def test_warmest_is_the_first_of_several(self):
        self.assertEqual(date(2026, 1, 2), warmest(DAYS).day)

    def test_frost_is_below_zero(self):
        self.assertEqual(1, frost_days(DAYS))

    def test_report(self):
        self.assertIn("warmest   6.0 on 2026-01-02", report("upper", DAYS))


if __name__ == "__main__":
    unittest.main()
