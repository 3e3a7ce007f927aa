"""`python -m needle_edu` is `needle-edu`."""

import sys

from needle_edu.cli import main

sys.exit(main())
