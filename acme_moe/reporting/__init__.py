"""Turns run folders into statistics, figures and tables; imports no agent."""
