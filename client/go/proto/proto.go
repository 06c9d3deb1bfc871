// Package proto has the contract as it is written, for clients in other languages and for tools that read proto files.
package proto

import "embed"

// Files has audiowriter/v1/audio_writer.proto, and google/api/field_behavior.proto, which it imports. They are embedded so
// that vendoring copies the files as well.
//
//go:embed audiowriter/v1/audio_writer.proto google/api/field_behavior.proto
var Files embed.FS
