"""Studies: what varies, what runs follow from it, and how far they are.

Light: names, settings and run folders, no agents and no JAX.
"""
