"""Where figures come from: one file a kind, behind one guarded client."""
