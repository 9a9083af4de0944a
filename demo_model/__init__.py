"""The recipe of the bundled demonstration model: a toy language, a synthetic voice, a small CTC network."""
