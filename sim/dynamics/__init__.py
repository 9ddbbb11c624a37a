"""The compiled core: rules, draws, state and the order of a month. No files, no objects, no printing."""
