"""Run folders: the files of a run, what they say, and where it came from."""
