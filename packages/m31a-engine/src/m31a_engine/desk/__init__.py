"""What is done beside runs: looking at sessions and commits, repeating, undoing, setting up.

`m31a_engine.desk.desk.open_desk` gives it all for one project, without a model and without a key.
Importing the package loads none of it.
"""
