"""The files of ``config/``: how values are written, which keys there are, how entries are checked, alone and beside others."""
