package audiowriter

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

func TestBufferIsADurationOfTheInput(t *testing.T) {
	for name, test := range map[string]struct {
		input *audiowriterv1.PcmInput
		live  bool
		opts  []Option
		want  int
	}{
		"defaults":         {&audiowriterv1.PcmInput{SampleRateHz: 24_000}, false, nil, 48_000},
		"live":             {&audiowriterv1.PcmInput{SampleRateHz: 24_000}, true, nil, 0},
		"live with buffer": {&audiowriterv1.PcmInput{SampleRateHz: 24_000}, true, []Option{WithBuffer(time.Second / 2)}, 24_000},
		"off":              {&audiowriterv1.PcmInput{SampleRateHz: 24_000}, false, []Option{WithBuffer(0)}, 0},
		"longest":          {&audiowriterv1.PcmInput{SampleRateHz: 24_000}, false, []Option{WithBuffer(math.MaxInt64)}, maxPCM},
		"largest input":    {&audiowriterv1.PcmInput{SampleRateHz: math.MaxUint32, Channels: math.MaxUint32, SampleFormat: audiowriterv1.SampleFormat_SAMPLE_FORMAT_F64LE}, false, nil, maxPCM},
		"no input":         {nil, false, nil, 0},
		"stereo":           {&audiowriterv1.PcmInput{SampleRateHz: 8000, Channels: 2}, false, nil, 32_000},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := newOptions(test.opts)
			if err != nil {
				t.Fatal(err)
			}
			if got := o.gatherBytes(test.input, test.live); got != test.want {
				t.Errorf("%d bytes, expected %d", got, test.want)
			}
		})
	}
}

func TestEverySampleFormatHasItsSize(t *testing.T) {
	sizes := map[string]int64{
		"UNSPECIFIED": 2, "S16LE": 2, "S24LE": 3, "S32LE": 4, "F32LE": 4, "F64LE": 8, "U8": 1, "MULAW": 1, "ALAW": 1,
	}
	for number, name := range audiowriterv1.SampleFormat_name {
		got, want := sampleBytes(audiowriterv1.SampleFormat(number)), sizes[strings.TrimPrefix(name, "SAMPLE_FORMAT_")]
		if got != want {
			t.Errorf("%s: %d bytes, expected %d", name, got, want)
		}
	}
}

func TestOnlyFilesThatGetTheirHeaderAtTheEndAreNotLive(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reader, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer pipe.Close()
	if a, err := newAssembly(file); err != nil || a.live() {
		t.Error("a file is live", err)
	}
	if a, err := newAssembly(pipe); err != nil || !a.live() {
		t.Error("a pipe is not live", err)
	}
	if a, err := newAssembly(&bytes.Buffer{}); err != nil || !a.live() {
		t.Error("a buffer is not live", err)
	}
}
