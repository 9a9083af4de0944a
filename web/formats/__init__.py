"""Transcripts as text files: one pure function a format, over jobs.transcript.Transcript."""
