"""Others' ways to the same result, each written as its users would write it."""
