"""Studies: what varies, what runs follow from it, and how far they are.

Light to import: names, settings and run folders, but no agents and no JAX.
"""
