package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"google.golang.org/protobuf/proto"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// chunks builds a WAVE file from pairs of chunk ID and body.
func chunks(riff string, pairs ...string) []byte {
	file := []byte(riff + "\xFF\xFF\xFF\xFFWAVE")
	for i := 0; i < len(pairs); i += 2 {
		body := pairs[i+1]
		file = append(file, pairs[i]...)
		file = binary.LittleEndian.AppendUint32(file, uint32(len(body)))
		file = append(file, body...)
		if len(body)%2 == 1 {
			file = append(file, 0)
		}
	}
	return file
}

// fmtChunk is 8 kHz stereo.
func fmtChunk(tag, bits uint16, extension string) string {
	width := bits / 8
	b := binary.LittleEndian.AppendUint16(nil, tag)
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = binary.LittleEndian.AppendUint32(b, 8000)
	b = binary.LittleEndian.AppendUint32(b, 8000*2*uint32(width))
	b = binary.LittleEndian.AppendUint16(b, 2*width)
	b = binary.LittleEndian.AppendUint16(b, bits)
	return string(b) + extension
}

// extensible is the extension with 20 valid bits and SubFormat PCM.
const extensible = "\x16\x00\x14\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71"

func TestReadWAV(t *testing.T) {
	const unknown = "\xFF\xFF\xFF\xFF"
	pcm := fmtChunk(waveFormatPCM, 16, "")
	ds64 := "\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	for name, test := range map[string]struct {
		file   []byte
		format audiowriterv1.SampleFormat
		data   string
	}{
		"s16":              {chunks("RIFF", "fmt ", pcm, "data", "abcd"), audiowriterv1.SampleFormat_SAMPLE_FORMAT_S16LE, "abcd"},
		"u8":               {chunks("RIFF", "fmt ", fmtChunk(1, 8, ""), "data", "ab"), audiowriterv1.SampleFormat_SAMPLE_FORMAT_U8, "ab"},
		"f32":              {chunks("RIFF", "fmt ", fmtChunk(3, 32, "\x00\x00"), "fact", "nnnn", "data", ""), audiowriterv1.SampleFormat_SAMPLE_FORMAT_F32LE, ""},
		"mu-law":           {chunks("RIFF", "fmt ", fmtChunk(7, 8, "\x00\x00"), "fact", "nnnn", "data", "ab"), audiowriterv1.SampleFormat_SAMPLE_FORMAT_MULAW, "ab"},
		"A-law":            {chunks("RIFF", "fmt ", fmtChunk(6, 8, "\x00\x00"), "fact", "nnnn", "data", "ab"), audiowriterv1.SampleFormat_SAMPLE_FORMAT_ALAW, "ab"},
		"extensible":       {chunks("RIFF", "fmt ", fmtChunk(0xFFFE, 24, extensible), "data", "abcdef"), audiowriterv1.SampleFormat_SAMPLE_FORMAT_S24LE, "abcdef"},
		"odd chunk":        {chunks("RIFF", "LIST", "odd", "fmt ", pcm, "data", "abcd"), audiowriterv1.SampleFormat_SAMPLE_FORMAT_S16LE, "abcd"},
		"chunk after data": {chunks("RIFF", "fmt ", pcm, "data", "abcd", "LIST", "tags"), audiowriterv1.SampleFormat_SAMPLE_FORMAT_S16LE, "abcd"},
		"unknown size":     {append(chunks("RIFF", "fmt ", pcm), "data"+unknown+"abcd"...), audiowriterv1.SampleFormat_SAMPLE_FORMAT_S16LE, "abcd"},
		"size in ds64":     {append(chunks("RF64", "ds64", ds64, "fmt ", pcm), "data"+unknown+"abcdLIST"...), audiowriterv1.SampleFormat_SAMPLE_FORMAT_S16LE, "abcd"},
	} {
		t.Run(name, func(t *testing.T) {
			input, samples, err := readWAV(bytes.NewReader(test.file))
			if err != nil {
				t.Fatal(err)
			}
			want := &audiowriterv1.PcmInput{SampleFormat: test.format, SampleRateHz: 8000, Channels: 2}
			if !proto.Equal(input, want) {
				t.Errorf("%v, expected %v", input, want)
			}
			if data, err := io.ReadAll(samples); err != nil || string(data) != test.data {
				t.Errorf("%q %v, expected %q", data, err, test.data)
			}
		})
	}
}

func TestBadWAVIsAnError(t *testing.T) {
	pcm := fmtChunk(waveFormatPCM, 16, "")
	for name, file := range map[string][]byte{
		"empty":        nil,
		"other file":   []byte("OggS............................"),
		"no data":      chunks("RIFF", "fmt ", pcm),
		"no fmt":       chunks("RIFF", "data", "abcd"),
		"short fmt":    chunks("RIFF", "fmt ", "short", "data", "abcd"),
		"cut in chunk": chunks("RIFF", "LIST", string(make([]byte, 500)))[:100],
		"ADPCM":        chunks("RIFF", "fmt ", fmtChunk(2, 4, ""), "data", "ab"),
	} {
		t.Run(name, func(t *testing.T) {
			if input, _, err := readWAV(bytes.NewReader(file)); err == nil {
				t.Error("no error, input", input)
			}
		})
	}
}

func TestShortDataIsAnError(t *testing.T) {
	file := chunks("RIFF", "fmt ", fmtChunk(waveFormatPCM, 16, ""), "data", "abcd")
	_, samples, err := readWAV(bytes.NewReader(file[:len(file)-1]))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(samples); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}
