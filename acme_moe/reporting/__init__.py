"""From run folders to figures and tables; knows nothing of the agents."""
