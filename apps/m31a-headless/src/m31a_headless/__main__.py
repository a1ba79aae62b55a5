"""`python -m m31a_headless`."""

import sys

from m31a_headless.cli import main

sys.exit(main())
