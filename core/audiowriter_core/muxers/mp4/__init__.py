"""AAC in MP4: fragmented MP4 and M4A. ISO/IEC 14496-12 and 14496-14."""
