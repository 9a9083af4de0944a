"""The faults of docs/reliability.md, one file each, on real processes; what must hold after any of them: outcome.py."""
