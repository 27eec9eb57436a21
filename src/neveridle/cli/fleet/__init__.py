"""Several processes of one team: who starts them, watches them, and ends them in order."""
