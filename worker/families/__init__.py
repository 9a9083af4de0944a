"""The model families that are served, one file each: how a window is run, and what finish needs from the model."""
