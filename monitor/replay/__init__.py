"""Rules over the past, before they are trusted: what they would have found, whom they would have told, what that adds up to."""
