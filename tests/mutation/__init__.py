"""Mutation testing of our own: does a test notice when the code is broken? ``python -m tests.mutation --help``."""
