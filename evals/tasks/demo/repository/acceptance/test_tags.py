import unittest

from shelf.tags import parse_tags


class TagsTest(unittest.TestCase):
    def test_tags_are_trimmed(self):
        self.assertEqual(["web", "python"], parse_tags("web, Python"))

    def test_no_tags_are_no_tags(self):
        self.assertEqual([], parse_tags(""))


if __name__ == "__main__":
    unittest.main()
