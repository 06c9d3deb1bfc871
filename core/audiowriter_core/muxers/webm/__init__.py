"""WebM. RFC 9559 (Matroska) and RFC 8794 (EBML)."""
