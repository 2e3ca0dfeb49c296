"""Copies of the database in files of their own: which there are, opened to be changed, and put back under their names.

Called by app/privacy, which takes the text of erased persons out of them. Nothing else in the product changes a copy that was
made. A copy that is changed is worked on beside itself, in a folder that a next run clears away, and takes the old one's name
in one step: whenever the process is killed there is the old file or the new one. May import store/, and nothing above it.
"""
