"""Videos of agents at play."""
