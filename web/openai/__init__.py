"""OpenAI's transcription API, so that programs written for it work unchanged: a job behind one long request."""
