package audiowriter

import (
	"strings"
	"testing"
	"time"
)

func TestDelaysGrowUpToTwoSecondsWithJitter(t *testing.T) {
	r := resumption{timeout: time.Minute}
	for attempt := range 10 {
		most := min(firstResumeBackoff<<attempt, maxResumeBackoff)
		wait, reason := r.wait(&Error{}, time.Time{}, 0)
		if reason != "" || wait < most/2 || wait > most {
			t.Errorf("attempt %d: %v %q, expected at most %v", attempt, wait, reason, most)
		}
	}
}

func TestDelayIsNotShorterThanThatOfTheServer(t *testing.T) {
	r := resumption{timeout: time.Minute}
	wait, _ := r.wait(&Error{RetryAfter: 4 * time.Second}, time.Time{}, 0)
	if wait < 4*time.Second || wait > 6*time.Second {
		t.Error(wait)
	}
}

func TestDelayBeyondTheTimeoutEndsTheStream(t *testing.T) {
	r := resumption{timeout: 3 * time.Second}
	if _, reason := r.wait(&Error{RetryAfter: 4 * time.Second}, time.Time{}, 0); !strings.Contains(reason, "within the timeout of 3s") {
		t.Error(reason)
	}
}

func TestOnlyLossesWithoutProgressAreCounted(t *testing.T) {
	for name, test := range map[string]struct {
		size     func(loss int) int64
		accepted time.Duration
		givenUp  bool
	}{
		"no progress":  {func(int) int64 { return 0 }, 0, true},
		"same bytes":   {func(int) int64 { return 7 }, 0, true},
		"more bytes":   {func(loss int) int64 { return int64(loss) }, 0, false},
		"a stable one": {func(int) int64 { return 0 }, stableAfter, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := resumption{timeout: time.Minute}
			var reason string
			for loss := range maxLosses + 1 {
				if reason != "" {
					t.Errorf("given up after %d losses", loss)
				}
				_, reason = r.wait(&Error{}, time.Now().Add(-test.accepted), test.size(loss))
			}
			if (reason != "") != test.givenUp {
				t.Errorf("%q", reason)
			}
		})
	}
}
