"""Choice of the shipped model, and of candidates that go on: never by evaluation labels."""
