package audiowriter_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

func TestResolveConfigReturnsWhatAStreamStartsWith(t *testing.T) {
	conn := dial(t)
	cfg := mono24k(audiowriterv1.AudioFormat_AUDIO_FORMAT_OGG_OPUS)
	cfg.Input.SampleRateHz = 44100
	cfg.Output.Page = durationpb.New(10 * time.Millisecond)
	resolved, err := audiowriter.ResolveConfig(limited(t), conn, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if frame := resolved.GetOutput().GetOpusFrame().AsDuration(); frame != 10*time.Millisecond {
		t.Errorf("Opus frames of %v", frame)
	}
	w := encodeTone(t, func() (*audiowriter.Writer, error) {
		return audiowriter.NewWriter(limited(t), conn, io.Discard, cfg)
	})
	resolved.Serial = w.Started().GetSerial() // it belongs to a stream
	if !proto.Equal(resolved, w.Started()) {
		t.Errorf("resolved to %v, but the stream started with %v", resolved, w.Started())
	}
}

func TestResolveConfigListsAllViolations(t *testing.T) {
	cfg := mono24k(audiowriterv1.AudioFormat_AUDIO_FORMAT_MP3)
	cfg.Output.Effort = proto.Uint32(11)
	cfg.Output.Rate = &audiowriterv1.AudioOutput_VbrQuality{VbrQuality: 1.5}
	_, err := audiowriter.ResolveConfig(limited(t), dial(t), cfg)
	var refused *audiowriter.Error
	if !errors.As(err, &refused) || refused.Reason != "INVALID_ARGUMENT" || len(refused.Violations) != 2 {
		t.Error(err)
	}
}

func TestServerInfoHasVersionAndLimits(t *testing.T) {
	info, err := audiowriter.GetServerInfo(limited(t), dial(t))
	if err != nil {
		t.Fatal(err)
	}
	if info.GetVersion() == "" || info.GetLimits().GetMaxMessageBytes() == 0 {
		t.Error(info)
	}
}
