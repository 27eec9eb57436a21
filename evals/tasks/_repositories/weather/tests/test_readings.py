import unittest
from datetime import date

from weather.readings import parse, remarks

TEXT = "# new sensor\n2026-01-02,-3.5,1.0\n\n2026-01-01,-1.0,4.0\n"


class ReadingsTest(unittest.TestCase):
    def test_days_are_in_order(self):
        self.assertEqual([date(2026, 1, 1), date(2026, 1, 2)], [one.day for one in parse(TEXT)])

    def test_numbers_are_read(self):
        self.assertEqual((-3.5, 1.0), (parse(TEXT)[1].low, parse(TEXT)[1].high))

    def test_remarks_are_no_readings(self):
        self.assertEqual(["new sensor"], remarks(TEXT))


if __name__ == "__main__":
    unittest.main()
