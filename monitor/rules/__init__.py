"""What a user wants to be told, written in YAML: the words, the loader, the condition language."""
