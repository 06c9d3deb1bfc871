// Package audiowriter encodes live PCM into a finished audio file through the audiowriter service.
//
// A [Writer] accepts PCM and writes the encoded bytes to any [io.Writer] while the audio is being made. [CreateFile]
// writes to a file that appears only when it is complete. [Encode] encodes a whole file in one call.
//
// The file is header + body + trailer. The body is written as it arrives; when the stream ends, the trailer is appended
// and the header replaces the first bytes of the file. A file in which the header was not replaced still plays, but
// does not contain its length.
//
// PCM for a file is gathered into messages of a second, because nobody listens to it meanwhile. A destination in which the
// header can't be replaced gets its bytes as soon as they are encoded. [WithBuffer] changes the duration.
//
// A stream survives the loss of its server: the client keeps the PCM, and sends it again to another server. [Writer]
// describes that.
//
// The messages, such as [audiowriterv1.StreamConfig], are those of the service; their comments state units and defaults.
package audiowriter
