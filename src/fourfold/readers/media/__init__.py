"""Pictures, sounds and texts in files of their own: lists of them, and how they are decoded."""
