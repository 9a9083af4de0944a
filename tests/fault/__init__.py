"""Faults as named fixtures: each module is a worker, run by `python -m`, in which one thing goes wrong."""
