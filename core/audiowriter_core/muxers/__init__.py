"""Muxers, one file each, which turn packets into file bytes. The byte layouts have files of their own and cite standards."""
