"""What every room means by the same word: rules about codes and texts, as pure functions.

Belongs here: what several rooms must decide alike and cannot ask each other. Does not: anything that reads, writes, or
imports a module of another folder of ours.
"""
