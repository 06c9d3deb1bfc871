package audiowriter

import (
	"time"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// fileBuffer is how much PCM for a file is gathered for one message: a recording in frames of 20 ms then costs the server a
// third to a tenth.
const fileBuffer = time.Second

// gatherBytes returns how many bytes of PCM are gathered for one message. live: somebody may listen to the file as it
// arrives.
func (o *options) gatherBytes(input *audiowriterv1.PcmInput, live bool) int {
	var buffer time.Duration
	if !live {
		buffer = fileBuffer
	}
	if o.buffer != nil {
		buffer = *o.buffer
	}
	// As float64, because the largest values of rate and channels would overflow an int.
	bytes := buffer.Seconds() * float64(input.GetSampleRateHz()) * float64(frameBytes(input))
	return int(min(bytes, maxPCM))
}

// frameBytes returns the bytes per frame, which is one sample of every channel.
func frameBytes(input *audiowriterv1.PcmInput) int64 {
	return sampleBytes(input.GetSampleFormat()) * int64(max(input.GetChannels(), 1))
}

func sampleBytes(format audiowriterv1.SampleFormat) int64 {
	switch format {
	case audiowriterv1.SampleFormat_SAMPLE_FORMAT_U8,
		audiowriterv1.SampleFormat_SAMPLE_FORMAT_MULAW, audiowriterv1.SampleFormat_SAMPLE_FORMAT_ALAW:
		return 1
	case audiowriterv1.SampleFormat_SAMPLE_FORMAT_S24LE:
		return 3
	case audiowriterv1.SampleFormat_SAMPLE_FORMAT_S32LE, audiowriterv1.SampleFormat_SAMPLE_FORMAT_F32LE:
		return 4
	case audiowriterv1.SampleFormat_SAMPLE_FORMAT_F64LE:
		return 8
	default:
		return 2 // the default is S16LE
	}
}

// put sends piece after the PCM that was gathered, or gathers it, too. They fit into one message.
func (w *Writer) put(piece []byte) error {
	if len(w.gathered)+len(piece) < w.gatherBytes {
		return w.gather(piece)
	}
	if len(w.gathered) > 0 {
		w.gathered = append(w.gathered, piece...)
		piece = w.takeGathered()
	}
	return w.send(w.request(piece))
}

// gather keeps piece for the next message. It returns the error of the stream, as send does.
func (w *Writer) gather(piece []byte) error {
	if w.streamCtx.Err() != nil {
		<-w.done // the error may not be there yet
	}
	if err := w.closedError(); err != nil {
		return err
	}
	w.gathered = append(w.gathered, piece...)
	return nil
}

// takeGathered returns the PCM that was gathered. It is valid until more is gathered.
func (w *Writer) takeGathered() []byte {
	pcm := w.gathered
	w.gathered = pcm[:0]
	return pcm
}
