package audiowriter

import (
	"fmt"
	"time"
)

// Option changes how a [Writer] works.
type Option func(*options)

type options struct {
	resumeTimeout time.Duration
	spoolBytes    int64
	buffer        *time.Duration // nil: the destination determines it
}

// newOptions returns the defaults, changed by list.
func newOptions(list []Option) (*options, error) {
	o := &options{
		resumeTimeout: time.Minute, // a supervisor restarts a worker within a second, and a cluster replaces a server within a minute
		spoolBytes:    1 << 30,     // three hours of 48 kHz stereo in 16 bits
	}
	for _, option := range list {
		option(o)
	}
	if o.resumeTimeout < 0 {
		return nil, fmt.Errorf("audiowriter: WithResumeTimeout(%v): expected 0 or more", o.resumeTimeout)
	}
	if o.spoolBytes < 0 {
		return nil, fmt.Errorf("audiowriter: WithSpoolBytes(%d): expected 0 or more", o.spoolBytes)
	}
	if o.buffer != nil && *o.buffer < 0 {
		return nil, fmt.Errorf("audiowriter: WithBuffer(%v): expected 0 or more", *o.buffer)
	}
	if o.resumeTimeout == 0 {
		o.spoolBytes = 0
	}
	return o, nil
}

// WithResumeTimeout sets for how long a stream that has lost its server looks for another one. The default is 60 s. 0: the
// loss is returned at once, and no PCM is kept.
func WithResumeTimeout(timeout time.Duration) Option {
	return func(o *options) { o.resumeTimeout = timeout }
}

// WithSpoolBytes sets how much PCM is kept so that it can be sent to another server: 4 MiB of it in memory, the rest in a
// temporary file in [os.TempDir]. A flush counts as 8 bytes, and a position or a change of channel as 24.
// A longer stream goes on, but does not survive the loss of its server. The default is 1 GiB. 0: nothing is kept.
func WithSpoolBytes(limit int64) Option {
	return func(o *options) { o.spoolBytes = limit }
}

// WithBuffer sets how much PCM is gathered for one message, as its duration; it is at most 256 KiB. [Writer.Flush] and
// [Writer.Close] send the rest. Long messages cost the server much less than frames of 20 ms. The default is 1 s for a
// destination that gets its header at the end, because nobody listens to it meanwhile, and 0 for any other. 0: PCM is sent at
// once.
func WithBuffer(duration time.Duration) Option {
	return func(o *options) { o.buffer = &duration }
}
