"""Byte layouts of headers and frames, one file each. No state of streams, no codec."""
