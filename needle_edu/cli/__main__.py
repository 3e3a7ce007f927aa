"""`python -m needle_edu.cli` is `needle-edu`."""

import sys

from needle_edu.cli import main

sys.exit(main())
