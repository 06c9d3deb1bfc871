"""AAC in MP4: fragmented, and as a finished movie. ISO/IEC 14496-12 and 14496-14."""
