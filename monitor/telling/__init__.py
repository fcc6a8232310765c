"""What a brief and an explanation consist of: stories, sections, moves, anatomies, opinions."""
