"""Reads data folders of object stores and web servers: their files are copied to this machine when they are needed."""
