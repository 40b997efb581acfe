"""Transcription: languages that share layers, a new language, a new device, one person's voice."""
