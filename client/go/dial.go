package audiowriter

import (
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

// serviceConfig spreads calls over all addresses and retries a refused stream on another server. Retries are safe:
// encoding has no side effects, and gRPC retries only before the first response, so no byte of a file is received twice.
// The function Encode implements its own retries. A server answers a call with CANCELLED if it was stopping: isTooLate.
const serviceConfig = `{
  "loadBalancingConfig": [{"round_robin": {}}],
  "methodConfig": [{
    "name": [
      {"service": "audiowriter.v1.AudioWriterService", "method": "EncodeStream"},
      {"service": "audiowriter.v1.AudioWriterService", "method": "ResolveConfig"},
      {"service": "audiowriter.v1.AudioWriterService", "method": "ListFormats"},
      {"service": "audiowriter.v1.AudioWriterService", "method": "GetServerInfo"}
    ],
    "retryPolicy": {
      "maxAttempts": 10,
      "initialBackoff": "0.05s",
      "maxBackoff": "0.2s",
      "backoffMultiplier": 2,
      "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"]
    }
  }]
}`

// Windows have a fixed size. With adaptive windows gRPC sends a ping for nearly every message that it receives, and the
// server answers it: a tenth of the CPU time of frames of 20 ms on both sides.
const (
	streamWindowBytes     = 256 << 10
	connectionWindowBytes = 4 << 20
)

// reconnect has a shorter maximum than gRPC's, which is two minutes: a stream that has lost its only server waits for the
// next attempt to connect.
var reconnect = backoff.Config{BaseDelay: time.Second, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second}

// connectTimeout is gRPC's default.
const connectTimeout = 20 * time.Second

// DialOptions are the options that [Dial] sets, for use with [grpc.NewClient]: keepalive, which detects a dead server
// within 50 s, attempts to connect every 5 s, round_robin over all addresses, retry of calls that a server refused with
// UNAVAILABLE, and windows of a fixed size.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithMaxCallAttempts(maxAttempts),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time:                30 * time.Second,
			Timeout:             20 * time.Second,
			PermitWithoutStream: true,
		}),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: connectTimeout}),
		grpc.WithStaticStreamWindowSize(streamWindowBytes),
		grpc.WithStaticConnWindowSize(connectionWindowBytes),
	}
}

// Dial creates a connection with [DialOptions]. target is one of
//
//   - host:port or dns:///host:port: all addresses of the name;
//   - host:port,host:port,...: a fixed list of servers;
//   - any other gRPC target.
//
// opts must include the transport credentials. They override the defaults. Nothing is sent before the first call.
// Share the connection between streams, and close it when done.
func Dial(target string, opts ...grpc.DialOption) (*grpc.ClientConn, error) {
	options := append(DialOptions(), opts...)
	if servers := strings.Split(target, ","); len(servers) > 1 {
		fixed := manual.NewBuilderWithScheme("list")
		fixed.InitialState(resolver.State{Addresses: addresses(servers)})
		options = append(options, grpc.WithResolvers(fixed))
		target = "list:///" + target
	}
	return grpc.NewClient(target, options...)
}

func addresses(servers []string) []resolver.Address {
	list := make([]resolver.Address, len(servers))
	for i, server := range servers {
		// The host name that TLS verifies: by default it would be the whole target.
		list[i] = resolver.Address{Addr: server, ServerName: server}
	}
	return list
}
