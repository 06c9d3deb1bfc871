package audiowriter

import (
	"context"
	"crypto/sha256"
	"hash/crc32"

	"google.golang.org/grpc"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// Encode encodes pcm, all samples of a short file, in one call. The request and the response are each limited by the
// server and by the connection, to 4 MiB by default. A call that a server refuses is sent to another server if conn
// balances between several; a call whose connection breaks is not repeated. Errors of the call are [*Error]; [ErrCorrupt]
// is in the chain if length, hash or CRC of the file are wrong. For markers see [Writer.Describe].
func Encode(
	ctx context.Context, conn grpc.ClientConnInterface, cfg *audiowriterv1.StreamConfig, pcm []byte,
	markers ...*audiowriterv1.Marker,
) (*audiowriterv1.EncodeResponse, error) {
	request := &audiowriterv1.EncodeRequest{Config: cfg, Pcm: pcm, Markers: markers}
	var response *audiowriterv1.EncodeResponse
	err := retryRefused(ctx, func() (err error) {
		response, err = audiowriterv1.NewAudioWriterServiceClient(conn).Encode(ctx, request)
		return err
	})
	if err != nil {
		return nil, err
	}
	file := response.GetFile()
	sum := sha256.Sum256(file)
	if err := checkFile(response.GetTotals(), int64(len(file)), sum[:], crc32.Checksum(file, castagnoli)); err != nil {
		return nil, err
	}
	return response, nil
}
