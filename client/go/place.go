package audiowriter

import (
	"fmt"
	"math"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// Next is the position of PCM that follows the PCM before it, of the same channel.
const Next int64 = -1

// place is where the PCM of a message belongs.
type place struct {
	position int64 // of its first sample, or Next
	channel  uint32
}

// lanes knows where the PCM of each channel ends.
type lanes struct {
	channels   uint32
	frameBytes int64            // of all channels
	ends       map[uint32]int64 // by channel, in bytes of it
	last       uint32           // the channel of the last PCM
}

func newLanes(input *audiowriterv1.PcmInput) lanes {
	return lanes{
		channels: max(input.GetChannels(), 1), frameBytes: frameBytes(input), ends: map[uint32]int64{},
	}
}

// begin returns whether PCM at p does not follow the PCM before it.
func (l *lanes) begin(p place) bool {
	end := l.ends[p.channel]
	start := end
	if p.position != Next {
		laneBytes := l.frameBytes
		if p.channel > 0 {
			laneBytes /= int64(l.channels)
		}
		start = p.position * laneBytes
	}
	begins := p.channel != l.last || start != end
	l.ends[p.channel], l.last = start, p.channel
	return begins
}

// added counts PCM after the place of the last call of begin.
func (l *lanes) added(bytes int) { l.ends[l.last] += int64(bytes) }

// WritePlaced is [Writer.Write] for PCM of one channel, or with a position. position is that of the first sample in p, in
// samples per channel since the start of the stream; [Next] means that p follows the PCM before it, of the same channel.
// channel is 1 to the input's channels if p has this channel only, and 0 if it has all of them, interleaved.
//
// The config needs one of MaxGap, MaxSkew and MaxJitter in its input. The fields of EncodeStreamRequest with these names say
// what becomes of gaps, of PCM in another order, and of channels that run at their own pace.
func (w *Writer) WritePlaced(p []byte, position int64, channel int) (n int, err error) {
	input := w.cfg.GetInput()
	if position < Next || position > math.MaxInt64/(8*8) {
		return 0, fmt.Errorf("audiowriter: position=%d: takes 0 or more samples, or Next", position)
	}
	if channel < 0 || channel > int(w.lanes.channels) {
		return 0, fmt.Errorf("audiowriter: channel=%d: takes 1 to %d, or 0 for all channels", channel, w.lanes.channels)
	}
	if input.GetMaxGap() == nil && input.GetMaxSkew() == nil && input.GetMaxJitter() == nil {
		return 0, fmt.Errorf("audiowriter: WritePlaced: the config needs max_gap, max_skew or max_jitter")
	}
	if len(p) == 0 {
		return 0, w.closedError()
	}
	to := place{position, uint32(channel)}
	if w.lanes.begin(to) {
		if err := w.sendGathered(); err != nil {
			return 0, err
		}
		w.place = to
	}
	return w.write(p)
}

// sendGathered sends the PCM that was gathered, if there is any.
func (w *Writer) sendGathered() error {
	if pcm := w.takeGathered(); len(pcm) > 0 {
		return w.send(w.request(pcm))
	}
	return nil
}

// request returns a message with PCM for the current place. What follows it has no position.
func (w *Writer) request(pcm []byte) *audiowriterv1.EncodeStreamRequest {
	request := &audiowriterv1.EncodeStreamRequest{Pcm: pcm}
	if len(pcm) > 0 {
		w.place.set(request)
		w.place.position = Next
	}
	return request
}

func (p place) set(request *audiowriterv1.EncodeStreamRequest) {
	request.Channel = p.channel
	if p.position != Next {
		request.Position = &p.position
	}
}

// placeOf returns the place of a message.
func placeOf(request *audiowriterv1.EncodeStreamRequest) place {
	if request.Position == nil {
		return place{Next, request.GetChannel()}
	}
	return place{request.GetPosition(), request.GetChannel()}
}
