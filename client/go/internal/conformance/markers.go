package main

import (
	"encoding/json"

	"google.golang.org/protobuf/proto"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// describe adds what the case has for the end of the stream.
func describe(w *audiowriter.Writer, c *testCase) error {
	if len(c.Metadata)+len(c.Markers) == 0 {
		return nil
	}
	later := &audiowriterv1.Metadata{}
	if err := proto.Unmarshal(c.Metadata, later); err != nil {
		return err
	}
	return w.Describe(later, c.Markers...)
}

// messages are markers that are serialised in the case.
type messages []*audiowriterv1.Marker

func (m *messages) UnmarshalJSON(data []byte) error {
	var list [][]byte
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	for _, content := range list {
		marker := &audiowriterv1.Marker{}
		if err := proto.Unmarshal(content, marker); err != nil {
			return err
		}
		*m = append(*m, marker)
	}
	return nil
}
