"""What one has without transfer: always run beside the methods, never left out."""
