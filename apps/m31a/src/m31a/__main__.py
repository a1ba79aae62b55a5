"""`python -m m31a`."""

import sys

from m31a.cli import main

sys.exit(main())
