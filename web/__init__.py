"""The HTTP front end: parses requests, calls jobs, renders answers. Imports no torch, transformers, numpy or worker."""
