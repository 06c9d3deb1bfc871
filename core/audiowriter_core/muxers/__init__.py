"""Muxers, one file each: packets to file bytes. The byte layouts stand beside them, each with its standard and section."""
