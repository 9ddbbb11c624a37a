"""``python -m validation.patterns``: measure the statements, and print their table or write it on its page."""

import sys

from validation.patterns.page import main

if __name__ == "__main__":
    main(sys.argv[1:])
