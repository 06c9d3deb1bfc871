package main

import (
	"errors"
	"os"
	"time"
)

// slowSink can't seek, and is slow. It fails when it has limit bytes, if that is not 0.
type slowSink struct {
	path  string
	delay time.Duration
	limit int64
}

var errSink = errors.New("the sink has reached its limit")

func (s slowSink) Write(p []byte) (int, error) {
	time.Sleep(s.delay)
	file, err := os.OpenFile(s.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	n, err := file.Write(p)
	if info, statErr := file.Stat(); s.limit > 0 && statErr == nil && info.Size() >= s.limit {
		return n, errSink
	}
	return n, err
}
