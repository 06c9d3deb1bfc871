package audiowriter_test

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/durationpb"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

func placedConfig() *audiowriterv1.StreamConfig {
	return &audiowriterv1.StreamConfig{
		Input:  &audiowriterv1.PcmInput{SampleRateHz: 8000, Channels: 2, MaxSkew: durationpb.New(1e9)},
		Output: &audiowriterv1.AudioOutput{Format: audiowriterv1.AudioFormat_AUDIO_FORMAT_PCM},
	}
}

func TestChannelsAndGapsBecomeOneFile(t *testing.T) {
	for name, opts := range map[string][]audiowriter.Option{"gathered": nil, "at once": {audiowriter.WithBuffer(0)}} {
		t.Run(name, func(t *testing.T) {
			var file bytes.Buffer
			w, err := audiowriter.NewWriter(limited(t), dial(t), &file, placedConfig(), opts...)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Abort()
			for _, write := range []struct {
				value    byte
				samples  int
				position int64
				channel  int
			}{{1, 10, 0, 1}, {2, 5, 2, 2}, {1, 10, audiowriter.Next, 1}, {3, 10, 30, 1}, {4, 10, 20, 1}, {5, 1, audiowriter.Next, 2}} {
				pcm := bytes.Repeat([]byte{write.value}, 2*write.samples)
				if _, err := w.WritePlaced(pcm, write.position, write.channel); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			var left, right []byte
			for i := 0; i < file.Len(); i += 4 {
				left, right = append(left, file.Bytes()[i]), append(right, file.Bytes()[i+2])
			}
			wantLeft := strings.Repeat("\x01", 20) + strings.Repeat("\x04", 10) + strings.Repeat("\x03", 10)
			wantRight := "\x00\x00" + strings.Repeat("\x02", 5) + "\x05" + strings.Repeat("\x00", 32)
			if string(left) != wantLeft || string(right) != wantRight {
				t.Errorf("left %v, right %v", left, right)
			}
			if filled := w.Result().GetFilledSamples(); filled != 34 {
				t.Errorf("%d samples were filled, expected 34", filled)
			}
		})
	}
}

func TestPlacesAreChecked(t *testing.T) {
	w, err := audiowriter.NewWriter(limited(t), dial(t), &bytes.Buffer{}, placedConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for want, place := range map[string]struct {
		position int64
		channel  int
	}{
		"position=-2: takes 0 or more samples, or Next":   {-2, 1},
		"channel=3: takes 1 to 2, or 0 for all channels":  {0, 3},
		"channel=-1: takes 1 to 2, or 0 for all channels": {0, -1},
	} {
		if _, err := w.WritePlaced(make([]byte, 4), place.position, place.channel); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected %s", err, want)
		}
	}
	plain, err := audiowriter.NewWriter(limited(t), dial(t), &bytes.Buffer{}, mono24k(audiowriterv1.AudioFormat_AUDIO_FORMAT_PCM))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Abort()
	if _, err := plain.WritePlaced(make([]byte, 4), 0, 0); err == nil || !strings.Contains(err.Error(), "needs max_gap") {
		t.Errorf("%v, expected that the config needs max_gap", err)
	}
}
