"""The commands, a module for each part of a day's work; each is glue between a terminal and the rooms below."""
