"""An arena: shipped models beside the best script of a practitioner, on many real pairs."""
