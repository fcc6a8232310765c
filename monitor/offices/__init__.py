"""What the desk and its offices owe each other: when each is asked, how late it is, what errors mean, what people fetch of it."""
