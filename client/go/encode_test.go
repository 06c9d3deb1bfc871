package audiowriter_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

func TestEncodeReturnsTheFinishedFile(t *testing.T) {
	response, err := audiowriter.Encode(limited(t), dial(t), mono24k(wav), tone(24000))
	if err != nil {
		t.Fatal(err)
	}
	checkWAV(t, response.GetFile())
}

func TestEncodeSendsMoreThanTheDefaultRetryBuffer(t *testing.T) {
	const samples = 1_500_000 // 3 MB
	response, err := audiowriter.Encode(limited(t), dial(t), mono24k(wav), tone(samples))
	if err != nil {
		t.Fatal(err)
	}
	if got := response.GetTotals().GetInputSamples(); got != samples {
		t.Errorf("%d samples, expected %d", got, samples)
	}
}

func TestEncodeErrorsHaveDetails(t *testing.T) {
	_, err := audiowriter.Encode(limited(t), dial(t), mono24k(0), tone(1))
	var refused *audiowriter.Error
	if !errors.As(err, &refused) || status.Code(err) != codes.InvalidArgument || len(refused.Violations) != 1 {
		t.Error(err)
	}
}

// answering is a server whose Encode returns these totals for a file of four bytes.
type answering struct {
	audiowriterv1.UnimplementedAudioWriterServiceServer
	totals *audiowriterv1.Totals
}

func (a answering) Encode(context.Context, *audiowriterv1.EncodeRequest) (*audiowriterv1.EncodeResponse, error) {
	return &audiowriterv1.EncodeResponse{File: []byte("file"), Totals: a.totals}, nil
}

func TestEncodeChecksLengthAndBothChecksums(t *testing.T) {
	good := totalsOf("file", "file")
	for name, test := range map[string]struct {
		totals *audiowriterv1.Totals
		want   error
	}{
		"right":         {good, nil},
		"other length":  {&audiowriterv1.Totals{FileBytes: 5, SentSha256: good.SentSha256, FileCrc32C: good.FileCrc32C}, audiowriter.ErrCorrupt},
		"other SHA-256": {totalsOf("life", "file"), audiowriter.ErrCorrupt},
		"other CRC":     {totalsOf("file", "life"), audiowriter.ErrCorrupt},
		"no totals":     {nil, audiowriter.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dialTarget(t, serveService(t, answering{totals: test.totals}))
			if _, err := audiowriter.Encode(limited(t), conn, mono24k(wav), tone(1)); !errors.Is(err, test.want) {
				t.Errorf("%v, expected %v", err, test.want)
			}
		})
	}
}

func TestUnknownFieldIsRefusedByItsNumber(t *testing.T) {
	cfg := mono24k(wav)
	cfg.Output.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 999, protowire.VarintType), 1))
	_, err := audiowriter.Encode(limited(t), dial(t), cfg, tone(1))
	var refused *audiowriter.Error
	if !errors.As(err, &refused) || len(refused.Violations) != 1 || refused.Violations[0].Field != "config.output.999" {
		t.Error(err)
	}
}

func TestTagsKeepTheirOrder(t *testing.T) {
	cfg := mono24k(audiowriterv1.AudioFormat_AUDIO_FORMAT_OGG_OPUS)
	cfg.Output.Metadata = &audiowriterv1.Metadata{Tags: []*audiowriterv1.Tag{
		{Name: "artist", Value: "Second"}, {Name: "title", Value: "Song"}, {Name: "artist", Value: "First"},
	}}
	response, err := audiowriter.Encode(limited(t), dial(t), cfg, tone(24000))
	if err != nil {
		t.Fatal(err)
	}
	file := bytes.ToLower(response.GetFile())
	for _, comment := range []string{"artist=second", "title=song", "artist=first"} {
		_, after, found := bytes.Cut(file, []byte(comment))
		if !found {
			t.Fatalf("no %s after the others", comment)
		}
		file = after
	}
}
