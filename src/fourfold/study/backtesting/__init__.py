"""Back-tests of the choice without labels: on sources left out, or on shifts of one.

What makes such tests from a user's own data, runs and sums them up goes here.
"""
