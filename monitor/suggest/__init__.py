"""Levels for a rule, suggested from what it would have said: ladders of conditions, the search on them, and the file to edit."""
