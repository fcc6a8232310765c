"""Trade Monitor: which of this month's official trade figures are not normal, and who should know."""

import os

__version__ = "0.1.0"

# Arrays are many and small: the threads of a linear algebra library would only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
