package audiowriter_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

var markers = []*audiowriterv1.Marker{
	{Position: 12_000, Title: "Two <b> & 2"}, {Title: "One"}, {Position: 90_000, Length: 10, Title: "beyond\nthe end"},
}

const vtt = `WEBVTT

00:00:00.000 --> 00:00:00.500
One

00:00:00.500 --> 00:00:01.000
Two &lt;b&gt; &amp; 2

00:00:01.000 --> 00:00:01.000
beyond the end
`

func TestLateTagsAndMarkersAreInTheFileAndInWebVTT(t *testing.T) {
	cfg := mono24k(audiowriterv1.AudioFormat_AUDIO_FORMAT_FLAC)
	cfg.Output.MetadataBytes = 4096
	path := filepath.Join(t.TempDir(), "a.flac")
	w, err := audiowriter.CreateFile(limited(t), dial(t), path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	title := &audiowriterv1.Metadata{Tags: []*audiowriterv1.Tag{{Name: "title", Value: "Late"}}}
	for _, describe := range []func() error{
		func() error { return w.Describe(title, markers[0]) },
		func() error { _, err := w.Write(tone(24_000)); return err },
		func() error { return w.Describe(nil, markers[1:]...) },
	} {
		if err := describe(); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.MarkersWebVTT(); got != "" {
		t.Errorf("%q before Close", got)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, comment := range []string{"TITLE=Late", "CHAPTER000NAME=One", "CHAPTER001=00:00:00.500", "CHAPTER002=00:00:01.000"} {
		if !bytes.Contains(content, []byte(comment)) {
			t.Errorf("%s is missing", comment)
		}
	}
	if got := w.MarkersWebVTT(); got != vtt {
		t.Error(got)
	}
}

func TestATagThatDoesNotFitIsAViolation(t *testing.T) {
	var sink bytes.Buffer
	cfg := mono24k(audiowriterv1.AudioFormat_AUDIO_FORMAT_FLAC)
	cfg.Output.MetadataBytes = 10
	w, err := audiowriter.NewWriter(limited(t), dial(t), &sink, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	title := &audiowriterv1.Metadata{Tags: []*audiowriterv1.Tag{{Name: "title", Value: "longer than ten bytes"}}}
	_ = w.Describe(title) // the error may come later
	var refused *audiowriter.Error
	if err := w.Close(); !errors.As(err, &refused) || len(refused.Violations) != 1 ||
		refused.Violations[0].Field != `metadata.tags["title"]` {
		t.Error(err)
	}
}
