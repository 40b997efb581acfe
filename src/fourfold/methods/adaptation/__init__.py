"""Labelled source, unlabelled or partly labelled target: make the domains look alike."""
