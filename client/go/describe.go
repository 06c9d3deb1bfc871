package audiowriter

import (
	"google.golang.org/protobuf/proto"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// Describe adds tags to the file, or replaces those of the same names; an empty value removes a tag. It may be called at any
// time before [Writer.Close]. The config must reserve room for them in its metadata_bytes.
//
// It does not wait for the server. A tag that does not fit, or that the format does not have, ends the stream: a later method
// returns an [*Error] whose Violations name the tag and the bytes that are left.
func (w *Writer) Describe(metadata *audiowriterv1.Metadata) error {
	return w.send(&audiowriterv1.EncodeStreamRequest{Metadata: proto.CloneOf(metadata)})
}

// isDescription reports whether a request belongs to the whole file, and not to a position in the PCM.
func isDescription(request *audiowriterv1.EncodeStreamRequest) bool {
	return request.GetMetadata() != nil
}
