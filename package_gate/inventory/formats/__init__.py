"""The formats in which packages and projects say what they are and need: one reader each.

Every reader takes a file's content, executes nothing of it and raises nothing, whatever it holds.
"""
