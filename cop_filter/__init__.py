"""cop-filter: enforces authority-supplied lists of confirmed abuse URLs."""
