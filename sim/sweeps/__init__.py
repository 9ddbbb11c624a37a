"""Sweeps: an experiment file becomes cells, cells become runs, runs become a result folder."""
