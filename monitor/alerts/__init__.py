"""The life of an alert: episodes, their transitions, who is told, and the one page that says it."""
