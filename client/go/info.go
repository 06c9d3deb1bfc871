package audiowriter

import (
	"context"

	"google.golang.org/grpc"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// ListFormats returns the formats of the server with their sample rates, channels and settings. Errors are [*Error].
func ListFormats(ctx context.Context, conn grpc.ClientConnInterface) ([]*audiowriterv1.FormatInfo, error) {
	response, err := audiowriterv1.NewAudioWriterServiceClient(conn).ListFormats(ctx, &audiowriterv1.ListFormatsRequest{})
	if err != nil {
		return nil, callError(ctx, err)
	}
	return response.GetFormats(), nil
}
