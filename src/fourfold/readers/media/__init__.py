"""Pictures and sounds: encoded items, and the rows that they are decoded to when they are read."""
