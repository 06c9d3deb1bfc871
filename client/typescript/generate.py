"""Generate the TypeScript client's code from the contract, and its table of formats from the core's.

`make generate` runs this. ts-proto, which `npm ci` installs, makes the messages.
"""

import shutil
import sys
from pathlib import Path

from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter_core import FORMATS
from grpc_tools import protoc

HERE = Path(__file__).parent
PROTO = HERE.parents[1] / "proto"
FILES = (
    "audiowriter/v1/audio_writer.proto",
    "error_details.proto",
    "google/protobuf/any.proto",
    "google/protobuf/duration.proto",
)
GENERATED = HERE / "src" / "gen"
TABLE = HERE / "src" / "formats.ts"

OPTIONS = {
    "emitImportedFiles": "false",
    "enumsAsLiterals": "true",  # plain objects, which a bundler can leave out
    "forceLong": "number",
    "importSuffix": ".js",
    "oneof": "unions-value",
    "outputJsonMethods": "false",
    "outputServices": "grpc-js",
    "removeEnumPrefix": "true",
    "unknownFields": "true",  # so that a server can refuse them
    "unrecognizedEnum": "false",
}


def table() -> str:
    """Return the module's text."""
    prefix = "AUDIO_FORMAT_"
    lines = [
        "// Names of the formats. Made by `make generate` from the table in audiowriter_core.",
        'import { AudioFormat } from "./gen/audiowriter/v1/audio_writer.js";',
        "",
        "/** The AudioFormat by the format's name, which `listFormats` returns. */",
        "export const AUDIO_FORMATS = {",
        *(
            f'  "{row.name}": AudioFormat.{pb.AudioFormat.Name(row.number).removeprefix(prefix)},'
            for row in FORMATS.values()
        ),
        "} as const;",
        "",
        "/** Name of a format. */",
        "export type FormatName = keyof typeof AUDIO_FORMATS;",
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    """Return the exit code of protoc."""
    shutil.rmtree(GENERATED, ignore_errors=True)
    GENERATED.mkdir()
    TABLE.write_text(table())
    well_known = Path(protoc.__file__).parent / "_proto"
    return int(
        protoc.main(
            [
                "protoc",
                f"-I{PROTO}",
                f"-I{HERE / 'proto'}",
                f"-I{well_known}",
                f"--plugin=protoc-gen-ts_proto={HERE / 'node_modules' / '.bin' / 'protoc-gen-ts_proto'}",
                f"--ts_proto_out={GENERATED}",
                f"--ts_proto_opt={','.join(f'{name}={value}' for name, value in OPTIONS.items())}",
                *FILES,
            ]
        )
    )


if __name__ == "__main__":
    sys.exit(main())
