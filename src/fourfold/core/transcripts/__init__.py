"""Transcripts: their symbols, decoding of frames of symbols to text, and errors in it.

Plain texts and arrays; what a network computes does not belong here.
"""
