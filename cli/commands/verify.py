"""``argon verify``: hold the log against the stored versions."""
