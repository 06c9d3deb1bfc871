package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// Values of the field wFormatTag.
const (
	waveFormatPCM        = 0x0001
	waveFormatIEEEFloat  = 0x0003
	waveFormatALaw       = 0x0006
	waveFormatMuLaw      = 0x0007
	waveFormatExtensible = 0xFFFE
)

// unknownSize means that the size was unknown when the header was written, or that it is in the ds64 chunk.
const unknownSize = math.MaxUint32

var sampleFormats = map[struct{ tag, bits uint16 }]audiowriterv1.SampleFormat{
	{waveFormatPCM, 8}:        audiowriterv1.SampleFormat_SAMPLE_FORMAT_U8,
	{waveFormatPCM, 16}:       audiowriterv1.SampleFormat_SAMPLE_FORMAT_S16LE,
	{waveFormatPCM, 24}:       audiowriterv1.SampleFormat_SAMPLE_FORMAT_S24LE,
	{waveFormatPCM, 32}:       audiowriterv1.SampleFormat_SAMPLE_FORMAT_S32LE,
	{waveFormatIEEEFloat, 32}: audiowriterv1.SampleFormat_SAMPLE_FORMAT_F32LE,
	{waveFormatIEEEFloat, 64}: audiowriterv1.SampleFormat_SAMPLE_FORMAT_F64LE,
	{waveFormatALaw, 8}:       audiowriterv1.SampleFormat_SAMPLE_FORMAT_ALAW,
	{waveFormatMuLaw, 8}:      audiowriterv1.SampleFormat_SAMPLE_FORMAT_MULAW,
}

// readWAV reads a WAVE file up to its samples and returns their format and a reader of only the samples. RIFF as in
// "Multimedia Programming Interface and Data Specifications 1.0", RF64 as in EBU Tech 3306.
func readWAV(r io.Reader) (*audiowriterv1.PcmInput, io.Reader, error) {
	var riff [12]byte
	if _, err := io.ReadFull(r, riff[:]); err != nil {
		return nil, nil, fmt.Errorf("not a WAVE file: %w", err)
	}
	if id := string(riff[:4]); (id != "RIFF" && id != "RF64") || string(riff[8:]) != "WAVE" {
		return nil, nil, errors.New("not a WAVE file: no RIFF header")
	}
	var input *audiowriterv1.PcmInput
	var size64 uint64 = unknownSize
	for {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, nil, fmt.Errorf("WAVE file without a data chunk: %w", err)
		}
		id, size := string(head[:4]), binary.LittleEndian.Uint32(head[4:])
		if id == "data" {
			if input == nil {
				return nil, nil, errors.New("WAVE file without a fmt chunk before its data")
			}
			if size != unknownSize {
				return input, &exactReader{r, uint64(size)}, nil
			}
			if size64 != unknownSize {
				return input, &exactReader{r, size64}, nil
			}
			return input, r, nil
		}
		body := make([]byte, 0, 64)
		kept := min(int64(size), int64(cap(body)))
		body = body[:kept]
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, nil, fmt.Errorf("WAVE file ends inside its %q chunk: %w", id, err)
		}
		padding := int64(size & 1) // Chunks start at even offsets.
		if _, err := io.CopyN(io.Discard, r, int64(size)-kept+padding); err != nil {
			return nil, nil, fmt.Errorf("WAVE file ends inside its %q chunk: %w", id, err)
		}
		switch {
		case id == "ds64" && len(body) >= 16:
			size64 = binary.LittleEndian.Uint64(body[8:])
		case id == "fmt ":
			var err error
			if input, err = parseFormat(body); err != nil {
				return nil, nil, err
			}
		}
	}
}

// parseFormat parses a fmt chunk: WAVEFORMAT, WAVEFORMATEX or WAVEFORMATEXTENSIBLE.
func parseFormat(body []byte) (*audiowriterv1.PcmInput, error) {
	if len(body) < 16 {
		return nil, fmt.Errorf("fmt chunk of %d bytes, at least 16 expected", len(body))
	}
	le := binary.LittleEndian
	tag, bits := le.Uint16(body), le.Uint16(body[14:])
	if tag == waveFormatExtensible && len(body) >= 40 {
		tag = le.Uint16(body[24:]) // SubFormat starts with the tag
	}
	format, ok := sampleFormats[struct{ tag, bits uint16 }{tag, bits}]
	if !ok {
		return nil, fmt.Errorf("unsupported WAVE file with format tag 0x%04X and %d bits: only PCM, IEEE float and G.711 are supported", tag, bits)
	}
	return &audiowriterv1.PcmInput{
		SampleFormat: format,
		Channels:     uint32(le.Uint16(body[2:])),
		SampleRateHz: le.Uint32(body[4:]),
	}, nil
}

// exactReader is an [io.LimitedReader] that returns an error if the data ends early.
type exactReader struct {
	r    io.Reader
	left uint64
}

func (e *exactReader) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(p[:min(uint64(len(p)), e.left)])
	e.left -= uint64(n)
	if err == io.EOF && e.left > 0 {
		err = fmt.Errorf("data chunk is %d bytes too short: %w", e.left, io.ErrUnexpectedEOF)
	}
	return n, err
}
