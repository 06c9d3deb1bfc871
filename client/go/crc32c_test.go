package audiowriter

import (
	"hash/crc32"
	"slices"
	"testing"
)

func TestCRCWithHeaderIsThatOfTheFileWithTheHeaderInPlace(t *testing.T) {
	for _, size := range []int{1, 2, 3, 44, 1000, 70_001} {
		sent := make([]byte, size)
		for i := range sent {
			sent[i] = byte(i*i + 7)
		}
		for _, length := range []int{0, 1, size / 2, size} {
			header := make([]byte, length)
			for i := range header {
				header[i] = byte(3*i + 1)
			}
			file := slices.Concat(header, sent[length:])
			got := crcWithHeader(crc32.Checksum(sent, castagnoli), int64(size), sent[:max(length, size/2)], header)
			if want := crc32.Checksum(file, castagnoli); got != want {
				t.Errorf("header of %d bytes in a file of %d: %08x, expected %08x", length, size, got, want)
			}
		}
	}
}

func TestCRCIsCastagnoli(t *testing.T) {
	// RFC 3720, appendix B.4: 32 bytes of zeros.
	if got := crc32.Checksum(make([]byte, 32), castagnoli); got != 0x8A9136AA {
		t.Errorf("%08x", got)
	}
}
