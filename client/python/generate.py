"""Write the client's table of formats from the core's, so that the client depends only on the contract.

`make generate` runs this.
"""

from pathlib import Path

from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core import FORMATS

TABLE = Path(__file__).parent / "audiowriter_client" / "formats.py"


def table() -> str:
    """Return the module's text."""
    lines = [
        '"""Names of the formats. Made by `make generate` from the table in audiowriter_core."""',
        "",
        "AUDIO_FORMATS = {",
        *(f'    "{row.name}": "{pb.AudioFormat.Name(row.number)}",' for row in FORMATS.values()),
        "}",
        '"""Name of the AudioFormat value by the format\'s name, which ListFormats returns."""',
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    TABLE.write_text(table())
