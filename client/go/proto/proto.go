// Package proto has the contract as it is written, for clients in other languages and for tools that read proto files.
package proto

import "embed"

// Files has audiowriter/v1/audio_writer.proto. It is embedded so that vendoring copies the file as well.
//
//go:embed audiowriter/v1/audio_writer.proto
var Files embed.FS
