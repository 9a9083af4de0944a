"""How well a service hears: a data set goes through it, and its transcripts are held against the references."""
