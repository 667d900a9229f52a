"""The conformance kit: checks that every part of a family passes, built-in or plugin."""
