"""The commands of ``alliance``, one module for each, and what they share. Heavy imports only inside functions."""
