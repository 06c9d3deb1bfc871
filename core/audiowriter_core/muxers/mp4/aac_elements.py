"""Syntax elements of an AAC frame. ISO/IEC 14496-3:2009, section 4.4.2, calls the frame a raw data block."""

MAX_DATA_STREAM_BYTES = 255 + 255
_ID_DSE = 0b100


def data_stream_header(size: int) -> bytes:
    """Return the header that makes the next `size` bytes a data stream element, which decoders skip. Table 4.10.

    `size`: at most MAX_DATA_STREAM_BYTES. The element ends at a byte boundary, so other elements can follow unchanged.
    """
    escape = b"" if size < 255 else bytes([size - 255])
    return bytes([_ID_DSE << 5, min(size, 255)]) + escape  # element_instance_tag and data_byte_align_flag are 0
