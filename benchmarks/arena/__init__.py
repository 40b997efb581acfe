"""The arena: what ships, beside the best script of a practitioner, on many real pairs."""
