"""Measurements of the whole service; each writes rows with the machine and the date. Imported by nothing."""
