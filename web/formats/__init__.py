"""Transcripts as text files: one pure function a format, from a Document to pieces of text."""
