"""Trade Monitor: which of this month's official trade figures are not normal, and who should know."""

__version__ = "0.1.0"
