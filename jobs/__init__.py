"""The contract that web and worker share: jobs, ledger, queues, audio store, transcript, settings, errors.

Imports no flask, torch, transformers or numpy (import-linter proves it in `make check`).
"""
