package audiowriter

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// Describe adds tags to the file, or replaces those of the same names, and adds markers, which become chapters. An empty value
// removes a tag, and metadata may be nil. Describe may be called at any time before [Writer.Close], for markers also before
// their audio. The config must reserve room in its metadata_bytes; a marker takes about 100 bytes.
//
// It does not wait for the server. What does not fit, or the format does not have, ends the stream: a later method returns an
// [*Error] whose Violations name the tag or marker and the bytes that are left.
func (w *Writer) Describe(metadata *audiowriterv1.Metadata, markers ...*audiowriterv1.Marker) error {
	request := &audiowriterv1.EncodeStreamRequest{Metadata: metadata, Markers: markers}
	return w.send(proto.CloneOf(request))
}

// MarkersWebVTT returns the markers as a WebVTT file, with one cue per marker in the order of their positions. A marker without
// a length ends where the next one begins, or with the audio. It returns an empty string until Close has returned without an
// error.
func (w *Writer) MarkersWebVTT() string {
	if w.Result() == nil {
		return ""
	}
	var markers []*audiowriterv1.Marker
	for _, request := range w.descriptions {
		markers = append(markers, request.GetMarkers()...)
	}
	slices.SortStableFunc(markers, func(a, b *audiowriterv1.Marker) int { return cmp.Compare(a.GetPosition(), b.GetPosition()) })
	samples, rate := w.Result().GetInputSamples(), int64(w.cfg.GetInput().GetSampleRateHz())
	vtt := "WEBVTT\n"
	for i, marker := range markers {
		end := samples
		if marker.GetLength() > 0 {
			end = marker.GetPosition() + marker.GetLength()
		} else if i+1 < len(markers) {
			end = markers[i+1].GetPosition()
		}
		start, end := min(marker.GetPosition(), samples), min(end, samples)
		vtt += fmt.Sprintf("\n%s --> %s\n%s\n", cueTime(start, rate), cueTime(end, rate), cueText.Replace(marker.GetTitle()))
	}
	return vtt
}

var cueText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", " ", "\n", " ")

func cueTime(samples, rate int64) string {
	ms := samples * 1000 / rate
	return fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3600000, ms/60000%60, ms/1000%60, ms%1000)
}

// isDescription reports whether a request belongs to the whole file, and not to a position in the PCM.
func isDescription(request *audiowriterv1.EncodeStreamRequest) bool {
	return request.GetMetadata() != nil || len(request.GetMarkers()) > 0
}
