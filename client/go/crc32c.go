package audiowriter

import "hash/crc32"

// castagnoli is CRC-32C: RFC 3720, appendix B.4.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// The polynomials 1 and x^8 in the bit order of the CRC.
const (
	polynomialOne = 1 << 31
	polynomialX8  = 1 << 23
)

// crcWithHeader returns the CRC-32C of a file of size bytes whose first bytes are replaced by header. crc is the CRC of the
// file as it is; first are its first bytes, at least as many as the header has.
func crcWithHeader(crc uint32, size int64, first, header []byte) uint32 {
	// CRCs are linear: the difference of the first bytes, moved to the start of the file, is the difference of the files.
	change := crc32.Checksum(first[:len(header)], castagnoli) ^ crc32.Checksum(header, castagnoli)
	return crc ^ multiply(powerOfX8(size-int64(len(header))), change)
}

func powerOfX8(exponent int64) uint32 {
	power, square := uint32(polynomialOne), uint32(polynomialX8)
	for ; exponent > 0; exponent >>= 1 {
		if exponent&1 != 0 {
			power = multiply(power, square)
		}
		square = multiply(square, square)
	}
	return power
}

// multiply multiplies two polynomials modulo the CRC's.
func multiply(a, b uint32) uint32 {
	var product uint32
	for ; a != 0; a <<= 1 {
		if a&polynomialOne != 0 {
			product ^= b
		}
		if b&1 != 0 {
			b = b>>1 ^ crc32.Castagnoli
		} else {
			b >>= 1
		}
	}
	return product
}
