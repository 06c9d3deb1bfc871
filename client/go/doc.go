// Package audiowriter turns live PCM into a finished audio file through the audiowriter service.
//
// A [Writer] takes the PCM and writes the encoded bytes to any [io.Writer] while they are made. [CreateFile] does so into
// a file that appears only when it is whole. [Encode] is the whole file in one call.
//
// The file is header + body + trailer: the body goes out as it comes, and when the stream ends the trailer is appended
// and the header replaces the first bytes of the file. A file without its header put in place still plays, but does not
// say its length.
//
// The messages, such as [audiowriterv1.StreamConfig], are those of the service; their comments tell units and defaults.
package audiowriter
