"""Staged rollout: a new generation proves itself on a part of the workers before the others follow.

``share`` says which processes those are, ``figures`` what they and the others counted, ``judge`` what
that means, and ``controller`` acts upon it. The pointers themselves are the store's.
"""
