"""MinAtar (Young and Tian, 2019): five Atari games on a board of 10 x 10 places.

The games are written anew from their published rules; with the same draws they give
the same observations, rewards and ends as the authors' code, step by step.
"""
