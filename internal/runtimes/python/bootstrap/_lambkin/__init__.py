"""The Python runtime of lambkin."""
